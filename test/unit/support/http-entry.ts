import { Cache, resolveCacheOptions } from '../../../src/cache/cache.ts';
import { Dispatcher } from '../../../src/dispatch/dispatch.ts';
import { HttpEntry } from '../../../src/protocol/http-entry.ts';
import { createLocalBus, jsonBoundsOf, resolveCacheHints, resolveLimits } from '../../../src/protocol/protocol.ts';
import { Subscriptions } from '../../../src/protocol/subscriptions.ts';
import { Registry } from '../../../src/registry/registry.ts';
import { createEngineSignals } from '../../../src/signal/signal.ts';
import { LocalMessageBus, MemoryStateStore } from '../../../src/state/state.ts';
import { resolveTasks } from '../../../src/tasks/tasks.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import type { Exchange, ExtraHeaders, RequestHead } from '../../../src/transport/transport.ts';

/** What came of one posted body. */
export interface Posted {
  readonly status: number;
  readonly text: string;
  readonly headers: ExtraHeaders | undefined;
  /** Messages ahead of the answer. */
  readonly notes: readonly string[];
}

/** The protocol's entry for posted bodies, without a transport: what handlers answer at once is there at once. */
export class TestEntry {
  readonly registry = new Registry();
  readonly #entry: HttpEntry;

  constructor(limits: Record<string, number> = {}) {
    const { registry } = this;
    const [clock, signals, resolved] = [new FakeClock(), createEngineSignals(), resolveLimits(limits)];
    const dispatcher = new Dispatcher({
      cache: new Cache({
        options: resolveCacheOptions(undefined, 'test'),
        clock,
        random: () => 0.5,
        signal: signals.cache,
      }),
      registry,
      signals,
      clock,
      serverInfo: { name: 'entry', version: '1.0.0' },
      instructions: undefined,
      pageSize: 50,
      maxUriLength: resolved.maxUriLength,
      rounds: { secret: 'a secret of sixteen', ttlSeconds: 60 },
      cacheHints: resolveCacheHints(undefined),
      tasks: { store: new MemoryStateStore(clock), messages: new LocalMessageBus(), options: resolveTasks(undefined) },
    });
    const subscriptions = new Subscriptions(resolved, dispatcher, createLocalBus(), { clock, random: () => 0 });
    this.#entry = new HttpEntry({ dispatcher, subscriptions, signals, clock, jsonBounds: jsonBoundsOf(resolved) });
  }

  /** Posts a body; calls with one head are those of a connection that repeats its header block. */
  post(head: RequestHead, body: string): Posted {
    const notes: string[] = [];
    let posted: Posted | undefined;
    const exchange: Exchange = {
      head,
      closed: false,
      onClose: undefined,
      canStream: true,
      notify: (text) => void notes.push(text),
      respond: (status, text, bytes = new Uint8Array(), headers = undefined) => {
        posted = { status, text: text + Buffer.from(bytes).toString(), headers, notes };
      },
    };
    this.#entry.post(exchange, body);
    if (posted === undefined) throw new Error('there is no answer yet');
    return posted;
  }
}

/** A header block's fields. */
export function headOf(fields: Partial<RequestHead> = {}): RequestHead {
  return {
    accept: 'application/json, text/event-stream',
    authorization: undefined,
    protocolVersion: undefined,
    mcpMethod: undefined,
    mcpName: undefined,
    sessionId: undefined,
    lastEventId: undefined,
    params: undefined,
    memo: undefined,
    access: undefined,
    field: () => undefined,
    all: () => new Headers(),
    path: '/mcp',
    each: () => {},
    ...fields,
  };
}
