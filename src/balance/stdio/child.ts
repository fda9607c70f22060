import type { CancelTimer, Clock } from '../../kernel/clock.ts';
import {
  type Era,
  ErrorCode,
  errorText,
  type Implementation,
  isObject,
  kindOf,
  LEGACY_VERSIONS,
  MetaKey,
  MODERN_VERSION,
  NEWEST_LEGACY_VERSION,
  notificationText,
  ProtocolError,
  parseMessage,
  type RequestId,
  responsePrefix,
} from '../../wire/wire.ts';
import type { TargetFailure } from '../gateway/target.ts';
import { CHANGE_KINDS, type ChangeKind } from '../relay/listeners.ts';
import {
  ANSWER_BOUNDS,
  capabilitiesOf,
  type Peer,
  type PeerDescription,
  type PeerRequest,
  type PeerSink,
  type RpcError,
} from '../relay/peer.ts';
import { envelopeOf } from '../relay/relay.ts';
import type { ChildEvents, ChildIo } from './child-process.ts';

export interface ChildParts {
  readonly name: string;
  readonly identity: Implementation;
  readonly clock: Clock;
  readonly startTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** The era of a child before it; a first one is asked. */
  readonly knownEra: Era | undefined;
  readonly launch: (events: ChildEvents) => ChildIo;
  readonly events: {
    ready(): void;
    /** It is gone, with why; its calls have been told. */
    ended(reason: string): void;
    /** It has one call less. */
    freed(): void;
    changed(kind: ChangeKind): void;
    /** Something that the operator may want to know. */
    noted(what: string, text: string): void;
  };
}

interface Flight {
  readonly sink: PeerSink;
  cancelTimer: CancelTimer;
}

const NOTHING: PeerDescription = Object.freeze({
  serverInfo: { name: 'unknown', version: '0' },
  capabilities: {},
  instructions: undefined,
});

/** One process that speaks MCP over its standard input and output: the handshake, and its calls by ids of our own. */
export class Child implements Peer {
  era: Era = 'legacy';
  description: PeerDescription = NOTHING;
  isReady = false;
  readonly #parts: ChildParts;
  readonly #io: ChildIo;
  readonly #flights = new Map<RequestId, Flight>();
  readonly #cancelStart: CancelTimer[] = [];
  #nextId = 1;
  #initializes = false;
  /** The answer to the question for the era, come after the handshake had begun. */
  #late: Record<string, unknown> | undefined;
  #failure: string | undefined;
  #hasExited = false;
  #isOver = false;

  constructor(parts: ChildParts) {
    const { clock, startTimeoutMs, knownEra } = parts;
    this.#parts = parts;
    this.#io = parts.launch({
      line: (text) => this.#receive(text),
      tooLong: () => parts.events.noted('message is too long', ''),
      said: (text) => parts.events.noted('stderr', text),
      exited: () => {
        this.isReady = false;
        this.#hasExited = true;
      },
      ended: (reason) => this.#ended(reason),
    });
    if (this.#isOver) return;
    if (knownEra === 'legacy') {
      this.#initialize();
    } else {
      this.#discover();
      // A legacy server may stay silent to what it does not know.
      if (knownEra === undefined) this.#cancelStart.push(clock.after(startTimeoutMs / 3, () => this.#initialize()));
    }
    this.#cancelStart.push(
      clock.after(startTimeoutMs, () => this.#giveUp(`did not answer the handshake within ${startTimeoutMs} ms`)),
    );
  }

  get pid(): number | undefined {
    return this.#io.pid;
  }

  /** Calls that it has. */
  get inFlight(): number {
    return this.#flights.size;
  }

  request({ method, params, wantsProgress }: PeerRequest, sink: PeerSink): () => void {
    const id = this.#nextId++;
    if (this.#isOver) {
      sink.failed({ reason: 'unavailable', message: `server "${this.#parts.name}" has ended`, retryAfterSeconds: 1 });
      return () => {};
    }
    const withToken = wantsProgress
      ? { ...params, _meta: { ...(params['_meta'] as object | undefined), progressToken: id } }
      : params;
    this.#flights.set(id, { sink, cancelTimer: this.#timer(id) });
    this.#send({ id, method, params: withToken });
    return () => this.#abandon(id);
  }

  /** Ends the process and all that it started. */
  end(): Promise<void> {
    this.#cancelTimers();
    return this.#io.end();
  }

  #timer(id: number): CancelTimer {
    const { clock, requestTimeoutMs, name } = this.#parts;
    return clock.after(requestTimeoutMs, () => {
      const flight = this.#flights.get(id);
      this.#abandon(id);
      const message = `server "${name}" did not answer within ${requestTimeoutMs} ms`;
      flight?.sink.failed({ reason: 'timeout', message, retryAfterSeconds: undefined });
    });
  }

  /** Nobody waits for the answer any more. */
  #abandon(id: RequestId): void {
    if (this.#take(id) === undefined) return;
    this.#io.write(notificationText('notifications/cancelled', { requestId: id }));
    this.#parts.events.freed();
  }

  #take(id: unknown): Flight | undefined {
    const flight = this.#flights.get(id as RequestId);
    if (flight === undefined) return undefined;
    this.#flights.delete(id as RequestId);
    flight.cancelTimer();
    return flight;
  }

  #receive(text: string): void {
    const message = parseMessage(text, ANSWER_BOUNDS);
    const kind = message instanceof ProtocolError ? 'invalid' : kindOf(message);
    if (kind === 'invalid') {
      this.#parts.events.noted('output that is no message', text);
      return;
    }
    const { id, method, params, result, error } = message as Record<string, unknown>;
    if (kind === 'response') this.#answered(id, result, error);
    else if (kind === 'notification') this.#notified(String(method), isObject(params) ? params : undefined);
    else this.#refuse(id as RequestId, String(method));
  }

  #answered(id: unknown, result: unknown, error: unknown): void {
    const handshake = typeof id === 'string' ? this.#handshakes.get(id) : undefined;
    if (handshake !== undefined) {
      handshake(isObject(result) ? result : undefined, error as RpcError | undefined);
      return;
    }
    const flight = this.#take(id);
    if (flight === undefined) return; // It was cancelled, or the child made it up.
    if (isObject(result)) flight.sink.result(result);
    else flight.sink.error(error as RpcError);
    this.#parts.events.freed();
  }

  #notified(method: string, params: Record<string, unknown> | undefined): void {
    if (method === 'notifications/progress') {
      const id = params?.['progressToken'];
      const flight = this.#flights.get(id as RequestId);
      if (flight === undefined) return;
      flight.cancelTimer();
      flight.cancelTimer = this.#timer(id as number);
      flight.sink.notification(method, params);
      return;
    }
    const kind = CHANGE_KINDS.find((each) => method === `notifications/${each}/list_changed`);
    if (kind !== undefined) this.#parts.events.changed(kind);
  }

  /** What a child asks of its client is answered at once: nobody is there who could do it. */
  #refuse(id: RequestId, method: string): void {
    const problem = `${method} is not available behind a gateway`;
    this.#io.write(method === 'ping' ? `${responsePrefix(id)}{}}` : errorText(id, ErrorCode.MethodNotFound, problem));
  }

  /** Answers to requests of the handshake, by ids that no call has. */
  readonly #handshakes = new Map<string, (result: Record<string, unknown> | undefined, error?: RpcError) => void>([
    ['discover', (result) => this.#discovered(result)],
    ['initialize', (result, error) => this.#initialized(result, error)],
    ['listen', () => {}],
  ]);

  #discover(): void {
    this.#send({ id: 'discover', method: 'server/discover', params: { _meta: envelopeOf(this.#parts.identity) } });
  }

  #discovered(result: Record<string, unknown> | undefined): void {
    const versions = result?.['supportedVersions'];
    if (result === undefined || !Array.isArray(versions) || !versions.includes(MODERN_VERSION)) {
      this.#initialize();
      return;
    }
    // Asked for both, a server of both eras is of the last one: only if that is refused, this answer counts.
    if (this.#initializes) this.#late = result;
    else this.#becomeModern(result);
  }

  #becomeModern(result: Record<string, unknown>): void {
    const meta = isObject(result['_meta']) ? result['_meta'] : {};
    if (!this.#becomeReady('modern', result, meta[MetaKey.serverInfo])) return;
    const kinds = CHANGE_KINDS.filter((kind) => this.description.capabilities[kind]?.listChanged === true);
    if (kinds.length === 0) return;
    const notifications = Object.fromEntries(kinds.map((kind) => [`${kind}ListChanged`, true]));
    const params = { notifications, _meta: envelopeOf(this.#parts.identity) };
    this.#send({ id: 'listen', method: 'subscriptions/listen', params });
  }

  #initialize(): void {
    if (this.#initializes || this.isReady) return;
    this.#initializes = true;
    const params = {
      protocolVersion: NEWEST_LEGACY_VERSION,
      capabilities: {},
      clientInfo: this.#parts.identity,
    };
    this.#send({ id: 'initialize', method: 'initialize', params });
  }

  #initialized(result: Record<string, unknown> | undefined, error: RpcError | undefined): void {
    if (this.isReady) return;
    if (result === undefined && this.#late !== undefined) return this.#becomeModern(this.#late);
    if (result === undefined) return this.#giveUp(`refused the handshake: ${error?.message ?? 'no reason given'}`);
    if (!LEGACY_VERSIONS.includes(result['protocolVersion'] as string))
      return this.#giveUp('speaks an unknown protocol revision');
    this.#io.write(notificationText('notifications/initialized'));
    this.#becomeReady('legacy', result, result['serverInfo']);
  }

  #becomeReady(era: Era, { capabilities, instructions }: Record<string, unknown>, info: unknown): boolean {
    if (this.isReady || this.#hasExited) return false;
    this.era = era;
    this.description = {
      serverInfo: isObject(info) ? (info as unknown as Implementation) : { name: this.#parts.name, version: '0' },
      capabilities: capabilitiesOf(capabilities),
      instructions: typeof instructions === 'string' ? instructions : undefined,
    };
    this.isReady = true;
    this.#cancelTimers();
    this.#parts.events.ready();
    return true;
  }

  #giveUp(reason: string): void {
    if (this.isReady) return;
    this.#failure = reason;
    void this.end();
  }

  #ended(reason: string): void {
    this.#isOver = true;
    this.#cancelTimers();
    const message = `server "${this.#parts.name}" ${reason}`;
    const failure: TargetFailure = { reason: 'lost', message, retryAfterSeconds: undefined };
    for (const id of [...this.#flights.keys()]) this.#take(id)?.sink.failed(failure);
    this.isReady = false;
    this.#parts.events.ended(this.#failure ?? reason);
  }

  #cancelTimers(): void {
    for (const cancel of this.#cancelStart.splice(0)) cancel();
  }

  #send(message: { readonly id: RequestId; readonly method: string; readonly params: object }): void {
    this.#io.write(JSON.stringify({ jsonrpc: '2.0', ...message }));
  }
}
