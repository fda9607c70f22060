import type { Target, TargetCall, TargetSink } from '../../../../src/balance/balance.ts';

export interface Seen {
  readonly method: string;
  readonly params: Record<string, unknown>;
  readonly headers: ReadonlyMap<string, string>;
  readonly session: string | undefined;
  readonly http: string;
}

/** What a script says to a request: a result, an error, or how else it ends. */
export type Reply =
  | { readonly result: Record<string, unknown> }
  | {
      readonly error: { readonly code: number; readonly message: string; readonly data?: unknown };
      readonly status?: number;
    }
  | { readonly status: number }
  | { readonly failed: 'unavailable' | 'overloaded' | 'lost' | 'timeout' | 'session-gone' }
  | 'silence';

export type Script = (seen: Seen) => Reply;

/** An open answer, of a request that the script left in silence. */
export interface Held {
  readonly seen: Seen;
  /** Sends a message on the stream. */
  say(message: object): void;
  end(): void;
  aborted: boolean;
}

/** A target that answers as the test says; it stands for a server over HTTP. */
export class ScriptedTarget implements Target {
  readonly name: string;
  readonly seen: Seen[] = [];
  readonly held: Held[] = [];
  script: Script;
  isClosed = false;

  constructor(name: string, script: Script) {
    this.name = name;
    this.script = script;
  }

  /** The requests of a method, in their order. */
  of(method: string): Seen[] {
    return this.seen.filter((seen) => seen.method === method);
  }

  send(call: TargetCall, sink: TargetSink): ReturnType<Target['send']> {
    const message = call.body === undefined ? {} : JSON.parse(call.body as string);
    const seen: Seen = {
      method: message.method ?? '',
      params: message.params ?? {},
      headers: fieldsOf(call.headerLines),
      session: call.session?.id,
      http: call.method,
    };
    this.seen.push(seen);
    const held: Held = this.#hold(seen, message.id, sink);
    queueMicrotask(() => {
      if (!held.aborted) this.#answer(seen, message.id, sink, held);
    });
    const abort = (): void => {
      held.aborted = true;
    };
    return { pause: () => {}, resume: () => {}, abort };
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  #answer(seen: Seen, id: unknown, sink: TargetSink, held: Held): void {
    if (id === undefined && seen.http === 'POST') return respond(sink, 202, '');
    const reply = this.script(seen);
    if (reply === 'silence') this.held.push(held);
    else if ('failed' in reply)
      sink.failed({ reason: reply.failed, message: `${this.name} failed`, retryAfterSeconds: 2 });
    else if ('result' in reply) {
      const session =
        seen.method === 'initialize' ? { 'mcp-session-id': `session-${this.of('initialize').length}` } : {};
      respond(sink, 200, JSON.stringify({ jsonrpc: '2.0', id, result: reply.result }), session);
    } else if ('error' in reply)
      respond(sink, reply.status ?? 200, JSON.stringify({ jsonrpc: '2.0', id, error: reply.error }));
    else respond(sink, reply.status, '');
  }

  #hold(seen: Seen, id: unknown, sink: TargetSink): Held {
    let isOpen = false;
    return {
      seen,
      aborted: false,
      say: (message) => {
        if (!isOpen) sink.head(200, headersOf({ 'content-type': 'text/event-stream' }), this.name);
        isOpen = true;
        const whole = 'result' in message ? { jsonrpc: '2.0', id, ...message } : { jsonrpc: '2.0', ...message };
        sink.data(Buffer.from(`data: ${JSON.stringify(whole)}\n\n`));
      },
      end: () => sink.ended(),
    };
  }
}

function respond(sink: TargetSink, status: number, text: string, headers: Record<string, string> = {}): void {
  sink.head(
    status,
    headersOf({ ...headers, ...(text === '' ? {} : { 'content-type': 'application/json' }) }),
    'backend',
  );
  if (text !== '') sink.data(Buffer.from(text));
  sink.ended();
}

function headersOf(fields: Record<string, string>): Parameters<TargetSink['head']>[1] {
  return { get: (name) => fields[name], entries: () => Object.entries(fields) };
}

function fieldsOf(lines: string): ReadonlyMap<string, string> {
  return new Map(
    lines
      .split('\r\n')
      .filter(Boolean)
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
  );
}

export interface Offer {
  readonly tools?: readonly object[];
  readonly resources?: readonly object[];
  readonly resourceTemplates?: readonly object[];
  readonly prompts?: readonly object[];
  readonly ttlMs?: number;
  readonly cacheScope?: string;
  readonly instructions?: string;
  /** @default a result that says what was asked */
  readonly call?: Script;
}

const CAPABILITIES = { tools: { listChanged: true }, resources: {}, prompts: {} };

/** A modern server that offers something. */
export function modernServer(offer: () => Offer): Script {
  return (seen) => {
    const { ttlMs = 60_000, cacheScope = 'public', instructions, call } = offer();
    const common = { resultType: 'complete', ttlMs, cacheScope };
    if (seen.method === 'server/discover')
      return { result: { ...common, supportedVersions: ['2026-07-28'], capabilities: CAPABILITIES, instructions } };
    if (seen.method === 'subscriptions/listen') return 'silence';
    const list = listOf(seen, offer());
    return list === undefined ? (call ?? echo)(seen) : { result: { ...common, ...list } };
  };
}

/** A legacy server, with sessions. */
export function legacyServer(offer: () => Offer): Script {
  return (seen) => {
    if (seen.method === 'initialize')
      return {
        result: {
          protocolVersion: '2025-06-18',
          capabilities: CAPABILITIES,
          serverInfo: { name: 'old', version: '1' },
          instructions: offer().instructions,
        },
      };
    if (seen.method === 'server/discover') return { error: { code: -32000, message: 'no session' }, status: 400 };
    if (seen.http !== 'POST') return seen.http === 'GET' ? 'silence' : { status: 200 };
    const list = listOf(seen, offer());
    return list === undefined ? (offer().call ?? echo)(seen) : { result: list };
  };
}

function listOf({ method, params }: Seen, offer: Offer): Record<string, unknown> | undefined {
  const name = {
    'tools/list': 'tools',
    'resources/list': 'resources',
    'resources/templates/list': 'resourceTemplates',
    'prompts/list': 'prompts',
  }[method] as 'tools' | undefined;
  if (name === undefined) return undefined;
  const items = offer[name] ?? [];
  const from = Number(params['cursor'] ?? 0); // Two entries a page.
  return { [name]: items.slice(from, from + 2), ...(from + 2 < items.length ? { nextCursor: String(from + 2) } : {}) };
}

const echo: Script = ({ method, params }) => ({ result: { content: [], method, params } });
