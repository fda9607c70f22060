import { PeregrineError } from '../kernel/errors.ts';
import type { McpRequest, OutgoingNotification } from '../registry/registry.ts';
import { type Envelope, isObject, LOG_LEVELS, type LogLevel, notificationText, type RequestId, RESERVED_META_PREFIX } from '../wire/wire.ts';
import type { RequestContext } from './request-context.ts';

/** What a handler sees of its request, built when it first looks. */
export class McpRequestView implements McpRequest {
  readonly #call: RequestContext;
  #lastProgress = Number.NEGATIVE_INFINITY;
  #meta: McpRequest['_meta'] | null = null;

  constructor(call: RequestContext) {
    this.#call = call;
  }

  get id(): RequestId {
    return this.#call.id;
  }
  get method(): string {
    return this.#call.method;
  }
  get envelope(): Partial<Envelope> | undefined {
    return this.#call.envelope;
  }
  get signal(): AbortSignal {
    return this.#call.signal;
  }

  get _meta(): McpRequest['_meta'] {
    if (this.#meta === null) {
      const meta = this.#call.params?.['_meta'];
      this.#meta = isObject(meta) ? Object.fromEntries(Object.entries(meta).filter(([key]) => !key.startsWith(RESERVED_META_PREFIX))) : undefined;
    }
    return this.#meta;
  }

  get inputResponses(): Record<string, unknown> | undefined {
    const responses = this.#call.params?.['inputResponses'];
    return isObject(responses) ? responses : undefined;
  }

  requestState<T = string>(): T | undefined {
    return this.#call.roundState as T | undefined;
  }

  async notify(notification: OutgoingNotification): Promise<void> {
    const { method, params } = notification;
    if (method === 'notifications/progress' && !this.#mayReport(params)) return;
    if (method === 'notifications/message' && !this.#wants(params?.['level'])) return;
    if (!this.#call.settled) this.#call.exchange.notify(notificationText(method, params));
  }

  async log(level: LogLevel, data: unknown, logger?: string): Promise<void> {
    await this.notify({ method: 'notifications/message', params: { level, ...(logger === undefined ? {} : { logger }), data } });
  }

  elicitInput(): Promise<never> {
    return this.send({ method: 'elicitation/create' });
  }

  requestSampling(): Promise<never> {
    return this.send({ method: 'sampling/createMessage' });
  }

  async send(request: { readonly method: string }): Promise<never> {
    throw new PeregrineError('SESSION_REQUIRED', `${request.method} cannot be sent to this client: return inputRequired(...) from the handler`);
  }

  /** Progress goes to a client that gave a token, under that token, and only forward. */
  #mayReport(params: Record<string, unknown> | undefined): boolean {
    const token = this._meta?.progressToken;
    const progress = params?.['progress'];
    if (token === undefined || params?.['progressToken'] !== token) return false;
    if (typeof progress !== 'number' || !(progress > this.#lastProgress)) return false;
    this.#lastProgress = progress;
    return true;
  }

  #wants(level: unknown): boolean {
    const least = this.#call.logLevel;
    return least !== undefined && LOG_LEVELS.indexOf(level as LogLevel) >= LOG_LEVELS.indexOf(least);
  }
}
