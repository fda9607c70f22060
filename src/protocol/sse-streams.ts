import { randomUUID } from 'node:crypto';
import type { Clock } from '../kernel/clock.ts';
import type { EngineSignals } from '../signal/signal.ts';
import type { MessageBus, StateStore } from '../state/state.ts';
import type {
  Acceptor,
  Exchange,
  ExtraHeaders,
  MessageConnection,
  PageRequest,
  Pages,
  ResolvedSseOptions,
  TransportLimits,
} from '../transport/transport.ts';
import { ErrorCode, errorText, isObject, type JsonBounds, kindOf, parseMessage } from '../wire/wire.ts';
import { type Gate, type GatedMessage, principalOf } from './gate.ts';
import { SseStream } from './sse-stream.ts';

/** What serves the deprecated transport. */
export interface SseParts {
  readonly options: ResolvedSseOptions;
  readonly acceptor: Pick<Acceptor, 'connect'>;
  readonly limits: TransportLimits;
  readonly clock: Clock;
  readonly signals: Pick<EngineSignals, 'fault'>;
  /** Knows the streams of all instances, and whose they are. */
  readonly store: StateStore;
  /** Who checks tokens and scopes; nothing without authorization. */
  readonly gate?: Gate | undefined;
  readonly jsonBounds: JsonBounds;
  /** Brings a message to the instance that has its stream. */
  readonly messages: MessageBus;
}

interface OpenStream {
  readonly stream: SseStream;
  readonly connection: MessageConnection;
  readonly owner: string;
}

/** A stream that was not heard of for so many pauses between its comments is gone, and its instance with it. */
const MISSED_PAUSES = 4;
const RETRY_AFTER: ExtraHeaders = [['Retry-After', '5']];

/**
 * HTTP with SSE, the transport of revision 2024-11-05: a client opens an event stream, which first names the URL to post to,
 * and gets all answers by it. A post may come to another instance than the stream did.
 */
export class SseStreams {
  readonly #parts: SseParts;
  readonly #open = new Map<string, OpenStream>();
  #closing = false;

  constructor(parts: SseParts) {
    this.#parts = parts;
  }

  /** What the HTTP endpoint serves for it. */
  get pages(): Pages {
    const { options, gate } = this.#parts;
    const { path, messagesPath } = options;
    const attempt = (exchange: Exchange, work: () => Promise<void>): void =>
      void work().catch((error: unknown) => {
        this.#parts.signals.fault.emit({ where: 'streams of http.sse', error });
        refuse(exchange, 503, ErrorCode.Overloaded, 'The stream cannot be found just now', RETRY_AFTER);
      });
    const guarded = (exchange: Exchange, work: () => Promise<void>): void => {
      if (gate === undefined) attempt(exchange, work);
      else gate.guard(exchange, () => attempt(exchange, work));
    };
    return new Map([
      [
        path,
        {
          methods: ['GET'],
          serve: (exchange: Exchange) => guarded(exchange, () => this.#begin(exchange)),
        },
      ],
      [
        messagesPath,
        {
          methods: ['POST'],
          serve: (exchange: Exchange, request: PageRequest) => guarded(exchange, () => this.#take(exchange, request)),
        },
      ],
    ]);
  }

  /** Open streams. */
  get open(): number {
    return this.#open.size;
  }

  async #begin(exchange: Exchange): Promise<void> {
    const { options, limits, clock, store, messages, acceptor } = this.#parts;
    if (!exchange.canStream) {
      refuse(exchange, 406, ErrorCode.BadHttpRequest, 'Accept must list text/event-stream');
      return;
    }
    if (this.#closing || this.#open.size >= options.maxStreams) {
      refuse(exchange, 503, ErrorCode.Overloaded, 'Too many streams are open', RETRY_AFTER);
      return;
    }
    const id = randomUUID();
    const owner = ownerOf(exchange);
    const ttlMs = limits.streamKeepAliveMs * MISSED_PAUSES;
    await store.put(keyOf(id), owner, { ttlMs });
    const unsubscribe = messages.subscribe(keyOf(id), (text) => this.#open.get(id)?.connection.receive(text));
    const forget = (): void => {
      unsubscribe();
      this.#quietly(() => store.delete(keyOf(id)));
      this.#open.get(id)?.connection.close();
      this.#open.delete(id);
    };
    const stream = SseStream.begin(exchange, `${options.messagesPath}?sessionId=${id}`, {
      limits,
      clock,
      ticked: () => this.#quietly(() => store.touch(keyOf(id), ttlMs)),
      gone: forget,
    });
    if (stream === undefined) forget();
    else this.#open.set(id, { stream, owner, connection: acceptor.connect(stream) });
  }

  /** Takes a message for a stream. What belongs to another principal is not there. */
  async #take(exchange: Exchange, { query, body }: PageRequest): Promise<void> {
    const id = new URLSearchParams(query).get('sessionId') ?? '';
    const here = this.#open.get(id);
    const owner = here?.owner ?? (ID.test(id) ? (await this.#parts.store.get(keyOf(id)))?.text : undefined);
    if (owner === undefined || owner !== ownerOf(exchange)) {
      refuse(exchange, 404, ErrorCode.BadHttpRequest, 'There is no such stream');
      return;
    }
    if (this.#parts.gate?.refuses(exchange, this.#gatedOf(body))) return;
    exchange.respond(202, '');
    if (here === undefined) this.#parts.messages.publish(keyOf(id), body);
    else here.connection.receive(body);
  }

  /** What a body asks for, as far as scopes go: what is no request is judged where it is read. */
  #gatedOf(body: string): GatedMessage[] {
    const parsed = parseMessage(body, this.#parts.jsonBounds);
    const messages: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed];
    return messages.filter((one) => isObject(one) && kindOf(one) === 'request') as unknown as GatedMessage[];
  }

  /** Ends each stream after the answers that are under way; new ones are refused. */
  close(): void {
    this.#closing = true;
    for (const { stream, connection } of this.#open.values()) void connection.settled().then(() => stream.end());
  }

  /** What a store that cannot be reached does not learn it forgets by itself. */
  #quietly(work: () => unknown): void {
    void (async () => work())().catch((error: unknown) =>
      this.#parts.signals.fault.emit({ where: 'streams of http.sse', error }),
    );
  }
}

const ID = /^[\da-f-]{36}$/;

function keyOf(id: string): string {
  return `sse/${id}`;
}

/** Whose a stream is, as text. */
function ownerOf(exchange: Exchange): string {
  return JSON.stringify(principalOf(exchange) ?? null);
}

function refuse(exchange: Exchange, status: number, code: number, message: string, headers?: ExtraHeaders): void {
  exchange.respond(status, errorText(undefined, code, message), undefined, headers);
}
