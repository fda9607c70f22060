import { type Backoff, nextDelay } from '../../kernel/backoff.ts';
import type { CancelTimer, Clock } from '../../kernel/clock.ts';
import { toMessage } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import type { Implementation, ModernResultWriter } from '../../wire/wire.ts';
import type { Target, TargetFailure } from '../gateway/target.ts';
import type { FrontRequest } from '../relay/front-request.ts';
import { CHANGE_KINDS, type ChangeKind } from '../relay/listeners.ts';
import type { Peer, PeerDescription } from '../relay/peer.ts';
import { envelopeOf, type RelayOptions, relay } from '../relay/relay.ts';
import { TargetError } from '../relay/target-error.ts';
import { type ConnectParts, connect } from './connect.ts';
import type { TargetPeer } from './target-peer.ts';
import { unavailable } from './target-peer.ts';

export interface BackendParts {
  readonly prefix: string;
  readonly target: Target;
  readonly identity: Implementation;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly timeoutMs: number;
  readonly maxMessageBytes: number;
  readonly headerParams: ConnectParts['headerParams'];
  /** The server said that a list of it is another one now. */
  readonly changed: (kind: ChangeKind) => void;
}

/** Longest wait for a server to hear that its session ends. */
const GOODBYE_MS = 1_000;
const BACKOFF: Backoff = Object.freeze({ firstMs: 500, maxMs: 15_000 });

/** One server behind the endpoint: knows its era, and keeps its session and the stream on which it speaks of itself. */
export class Backend {
  readonly prefix: string;
  readonly #parts: BackendParts;
  #peer: Promise<TargetPeer> | undefined;
  #description: PeerDescription | undefined;
  #stopWatching: (() => void) | undefined;
  #cancelRetry: CancelTimer | undefined;
  #watchRetries = 0;
  #closed = false;

  constructor(parts: BackendParts) {
    this.prefix = parts.prefix;
    this.#parts = parts;
  }

  get name(): string {
    return this.#parts.target.name;
  }

  /** What the server said of itself last. */
  get description(): PeerDescription | undefined {
    return this.#description;
  }

  /** The server as it can be spoken with. @throws {TargetError} */
  peer(): Promise<TargetPeer> {
    if (this.#closed) return Promise.reject(new TargetError(unavailable('the endpoint is stopping')));
    if (this.#peer !== undefined) return this.#peer;
    const connecting = connect(this.#parts, (lost) => this.#forget(connecting, lost));
    this.#peer = connecting;
    connecting.then(
      (peer) => {
        this.#description = peer.description;
        this.#watch(peer, connecting);
      },
      () => this.#forget(connecting),
    );
    return connecting;
  }

  /** Finds out anew, with the next request, which era the server is of. */
  reconnect(): void {
    if (this.#peer !== undefined) this.#forget(this.#peer);
  }

  /** Passes a request on; one that the server refused with the session that it was made in is made again in a new one. */
  relay(
    front: FrontRequest,
    options: Omit<RelayOptions, 'identity'> & { readonly writer: ModernResultWriter },
    isSecond = false,
  ): void {
    const give = options.failed ?? ((failure: TargetFailure) => front.unanswered(failure));
    const before = this.peer();
    before.then(
      (peer) =>
        relay(front, peer, {
          ...options,
          identity: this.#parts.identity,
          failed: (failure) => {
            // It alone was refused for that: what else failed with the session may have been executed.
            if (failure.reason === 'session-gone' && !isSecond) this.relay(front, options, true);
            else give(failure);
          },
        }),
      (error: unknown) => give(unavailable(toMessage(error))), // Whatever it was, the request was not sent.
    );
  }

  /** Asks the server something for the endpoint itself. @throws {TargetError} when there is no result in time. */
  async ask(method: string, params: Record<string, unknown>, isSecond = false): Promise<Record<string, unknown>> {
    const peer = await this.peer();
    try {
      return await this.#ask(peer, method, params);
    } catch (error) {
      if (!peer.hasLostSession || isSecond) throw error;
      return this.ask(method, params, true);
    }
  }

  /** Ends the session; resolves when the server has heard, or does not answer. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRetry?.();
    this.#stopWatching?.();
    const peer = this.#peer;
    this.#peer = undefined;
    if (peer === undefined) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#parts.clock.after(GOODBYE_MS, resolve);
      void peer
        .then(
          (open) => open.end(),
          () => {},
        )
        .then(() => {
          cancel();
          resolve();
        });
    });
  }

  #ask(peer: Peer, method: string, params: Record<string, unknown>): Promise<Record<string, unknown>> {
    const { clock, timeoutMs } = this.#parts;
    const { name } = this;
    const all = peer.era === 'modern' ? { ...params, _meta: envelopeOf(this.#parts.identity) } : params;
    return new Promise((resolve, reject) => {
      let cancel = (): void => {};
      const fail = (failure: TargetFailure): void => {
        cancelTimer();
        reject(new TargetError(failure));
      };
      // Before it is asked: it may fail at once.
      const cancelTimer = clock.after(timeoutMs, () => {
        cancel();
        const message = `server "${name}" did not answer ${method} within ${timeoutMs} ms`;
        fail({ reason: 'timeout', message, retryAfterSeconds: 1 });
      });
      cancel = peer.request(
        { method, params: all, wantsProgress: false },
        {
          notification: () => {},
          result: (result) => {
            cancelTimer();
            resolve(result);
          },
          error: ({ code, message }) =>
            fail(unavailable(`server "${name}" answered ${method} with ${code}: ${message}`)),
          failed: fail,
        },
      );
    });
  }

  #forget(connection: Promise<TargetPeer>, lost?: TargetPeer): void {
    if (this.#peer !== connection) return;
    this.#peer = undefined;
    this.#stopWatching?.();
    this.#stopWatching = undefined;
    this.#cancelRetry?.();
    if (lost !== undefined) this.#parts.logger.info({ server: this.name }, 'session lost, a new one is opened');
  }

  /** Listens to what the server says of its lists, for as long as this is the connection. */
  #watch(peer: TargetPeer, connection: Promise<TargetPeer>): void {
    const { capabilities } = peer.description;
    const kinds = CHANGE_KINDS.filter((kind) => capabilities[kind]?.listChanged === true);
    if (kinds.length === 0 || this.#peer !== connection || this.#closed) return;
    const heard = (method: string): void => {
      const kind = kinds.find((each) => method === `notifications/${each}/list_changed`);
      if (method === 'notifications/subscriptions/acknowledged') this.#watchRetries = 0;
      if (kind !== undefined) this.#parts.changed(kind);
    };
    const again = (): void => {
      if (this.#peer !== connection || this.#closed) return;
      const delay = nextDelay(BACKOFF, this.#watchRetries++, this.#parts.random);
      this.#cancelRetry = this.#parts.clock.after(delay, () => {
        for (const kind of kinds) this.#parts.changed(kind); // What was said in between has not been heard.
        this.#watch(peer, connection);
      });
    };
    this.#stopWatching = peer.watch(kinds, envelopeOf(this.#parts.identity), heard, again);
  }
}
