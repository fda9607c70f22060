import { randomBytes } from 'node:crypto';
import type { CancelTimer, Clock } from '../kernel/clock.ts';
import type { MessageBus } from '../state/state.ts';
import { isObject, type JsonRpcResponse, notificationText } from '../wire/wire.ts';
import { ClientRequestError } from './errors.ts';

/** Who may answer: whoever has this session or connection (empty: neither) and is this principal. */
export interface Answerer {
  readonly owner: string;
  readonly principal: string | undefined;
}

/** The way to a client. */
export interface ClientLink extends Answerer {
  send(text: string): void;
}

/** A request of the server's own. */
export interface ClientRequest {
  readonly method: string;
  readonly params?: Record<string, unknown> | undefined;
}

/** How long to wait, and what ends the wait; the names are the official SDK's. */
export interface ClientRequestOptions {
  /** How long the client may take, in milliseconds. @default the option `sessions.requestTimeoutSeconds` */
  readonly timeout?: number | undefined;
  /** Whether the time begins anew when the client reports progress. @default false */
  readonly resetTimeoutOnProgress?: boolean | undefined;
  /** How long it may take in all, progress or not, in milliseconds. */
  readonly maxTotalTimeout?: number | undefined;
  readonly onprogress?: ((progress: Record<string, unknown>) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ClientRequestsParts {
  readonly clock: Clock;
  readonly messages: MessageBus;
  readonly timeoutMs: number;
  readonly maxPerClient: number;
  readonly maxInAll: number;
}

interface Pending {
  readonly id: string;
  readonly link: ClientLink;
  readonly method: string;
  readonly options: ClientRequestOptions;
  readonly endsAt: number;
  readonly resolve: (result: Record<string, unknown>) => void;
  readonly reject: (error: unknown) => void;
  stopTimer: CancelTimer;
  stopListening: () => void;
}

/** What travels between instances: an answer, or progress, that came to another one than the asking. */
interface Forwarded {
  readonly by: Answerer;
  readonly answer?: JsonRpcResponse;
  readonly progress?: Record<string, unknown>;
}

/**
 * The requests that clients have to answer. Their ids cannot be guessed, and name the instance that asks: whichever instance an
 * answer comes to passes it on.
 */
export class ClientRequests {
  readonly #parts: ClientRequestsParts;
  readonly #pending = new Map<string, Pending>();
  /** By owner; requests that have none, by their own link. */
  readonly #byClient = new Map<unknown, Set<Pending>>();
  #unsubscribe: (() => void) | undefined;

  constructor(parts: ClientRequestsParts) {
    this.#parts = parts;
  }

  /** Requests that wait for their answer. */
  get open(): number {
    return this.#pending.size;
  }

  /** @throws {ClientRequestError} also later. @throws {TypeError} when the parameters cannot be expressed as JSON. */
  ask(link: ClientLink, request: ClientRequest, options: ClientRequestOptions = {}): Promise<Record<string, unknown>> {
    const { clock, messages, maxPerClient, maxInAll } = this.#parts;
    const client = clientOf(link);
    const others = this.#byClient.get(client) ?? new Set();
    if (others.size >= maxPerClient || this.#pending.size >= maxInAll)
      throw new ClientRequestError('CLIENT_BUSY', 'too many requests wait for an answer', { retryable: true });
    options.signal?.throwIfAborted();
    const id = `${randomBytes(18).toString('base64url')}.${messages.instance}`;
    const text = requestText(id, request, options);
    this.#unsubscribe ??= messages.subscribe(channelOf(messages.instance), (told) => this.#hear(told));
    const { promise: answer, resolve, reject } = Promise.withResolvers<Record<string, unknown>>();
    const endsAt = clock.now() + (options.maxTotalTimeout ?? Number.POSITIVE_INFINITY);
    const { method } = request;
    const ended = { stopTimer: () => {}, stopListening: () => {} };
    const pending: Pending = { id, link, method, options, endsAt, resolve, reject, ...ended };
    const { signal } = options;
    const onAbort = (): void => this.#abandon(pending, signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    pending.stopListening = () => signal?.removeEventListener('abort', onAbort);
    this.#pending.set(id, pending);
    this.#byClient.set(client, others.add(pending));
    this.#startTimer(pending);
    link.send(text);
    return answer;
  }

  /** A client answered something. What is not open, or not its to answer, is passed over. */
  take(answer: JsonRpcResponse, by: Answerer): void {
    this.#route(answer.id, { by, answer });
  }

  /** A client reports how far it is. */
  report(progress: Record<string, unknown> | undefined, by: Answerer): void {
    if (progress !== undefined) this.#route(progress['progressToken'], { by, progress });
  }

  /** What was asked by this way is not waited for any more. */
  abandon(link: ClientLink, reason: unknown): void {
    for (const pending of [...(this.#byClient.get(clientOf(link)) ?? [])])
      if (pending.link === link) this.#abandon(pending, reason);
  }

  /** A client is gone for good: nothing that it was asked will be answered. */
  leave(owner: string): void {
    for (const pending of [...(this.#byClient.get(owner) ?? [])])
      this.#close(pending)?.reject(new ClientRequestError('CLIENT_LEFT', 'the client has left'));
  }

  close(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  #route(id: unknown, forwarded: Forwarded): void {
    const dot = typeof id === 'string' ? id.indexOf('.') : -1;
    if (dot === -1) return;
    const instance = (id as string).slice(dot + 1);
    const { messages } = this.#parts;
    if (instance === messages.instance) this.#settle(id as string, forwarded);
    else if (/^[\w.:-]{1,128}$/.test(instance)) messages.publish(channelOf(instance), JSON.stringify(forwarded));
  }

  #hear(told: string): void {
    const forwarded = JSON.parse(told) as Forwarded;
    const id = forwarded.answer?.id ?? forwarded.progress?.['progressToken'];
    if (typeof id === 'string') this.#settle(id, forwarded);
  }

  #settle(id: string, { by, answer, progress }: Forwarded): void {
    const pending = this.#pending.get(id);
    if (pending === undefined || pending.link.owner !== by.owner || pending.link.principal !== by.principal) return;
    if (progress !== undefined) this.#progressed(pending, progress);
    if (answer === undefined) return;
    this.#close(pending);
    const { error, result } = answer;
    if (error === undefined && isObject(result)) pending.resolve(result);
    else pending.reject(refused(pending.method, error));
  }

  #progressed(pending: Pending, progress: Record<string, unknown>): void {
    if (pending.options.resetTimeoutOnProgress === true) {
      pending.stopTimer();
      this.#startTimer(pending);
    }
    const { progressToken: _token, ...rest } = progress;
    try {
      pending.options.onprogress?.(rest);
    } catch (error) {
      this.#abandon(pending, error);
    }
  }

  #startTimer(pending: Pending): void {
    const { clock, timeoutMs } = this.#parts;
    const waitMs = Math.max(0, Math.min(pending.options.timeout ?? timeoutMs, pending.endsAt - clock.now()));
    const late = new ClientRequestError('CLIENT_TIMEOUT', `the client did not answer ${pending.method} in time`, {
      retryable: true,
    });
    pending.stopTimer = clock.after(waitMs, () => this.#abandon(pending, late));
  }

  #abandon(pending: Pending, reason: unknown): void {
    if (this.#close(pending) === undefined) return;
    const params = { requestId: pending.id, reason: reason instanceof Error ? reason.message : 'no longer needed' };
    pending.link.send(notificationText('notifications/cancelled', params));
    pending.reject(reason);
  }

  /** Answers the request if it was open until now. */
  #close(pending: Pending): Pending | undefined {
    if (!this.#pending.delete(pending.id)) return undefined;
    pending.stopTimer();
    pending.stopListening();
    const client = clientOf(pending.link);
    const others = this.#byClient.get(client);
    others?.delete(pending);
    if (others?.size === 0) this.#byClient.delete(client);
    return pending;
  }
}

function clientOf(link: ClientLink): unknown {
  return link.owner === '' ? link : link.owner;
}

function channelOf(instance: string): string {
  return `client-answers:${instance}`;
}

function requestText(id: string, { method, params }: ClientRequest, options: ClientRequestOptions): string {
  const wantsProgress = options.onprogress !== undefined || options.resetTimeoutOnProgress === true;
  const given = isObject(params?.['_meta']) ? params['_meta'] : {};
  const meta = wantsProgress ? { _meta: { ...given, progressToken: id } } : {};
  const whole = params === undefined && !wantsProgress ? undefined : { ...params, ...meta };
  return JSON.stringify({ jsonrpc: '2.0', id, method, params: whole });
}

function refused(method: string, error: JsonRpcResponse['error']): ClientRequestError {
  const { code = 0, message, data } = error ?? {};
  const why = typeof message === 'string' ? message.slice(0, 500) : 'no reason given';
  return new ClientRequestError('CLIENT_REFUSED', `the client refused ${method}: ${why}`, { rpc: { code, data } });
}
