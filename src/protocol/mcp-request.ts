import type {
  CreateMessageResult,
  ElicitResult,
  McpRequest,
  OutgoingNotification,
  OutgoingRequest,
  ResultSchema,
  SendOptions,
} from '../dispatch/dispatch.ts';
import { ClientRequestError } from '../session/session.ts';
import {
  type Envelope,
  isObject,
  LOG_LEVELS,
  type LogLevel,
  notificationText,
  RESERVED_META_PREFIX,
  type RequestId,
} from '../wire/wire.ts';

/** What the view needs to know of its request. */
export interface ViewedRequest {
  readonly id: RequestId;
  readonly method: string;
  readonly params: Record<string, unknown> | undefined;
  /** The request's `_meta`, the reserved envelope members among it. */
  readonly meta: unknown;
  readonly envelope: Envelope | undefined;
  readonly signal: AbortSignal;
  readonly inputResponses: Record<string, unknown> | undefined;
  readonly roundState: string | undefined;
  /** The least level of log messages to send, or nothing for none. */
  readonly logLevel: LogLevel | undefined;
  /** Whether the request is over: nothing more is sent about it. */
  readonly settled: boolean;
  /** Sends a message ahead of the answer. */
  tell(text: string): void;
  /** Sends a request of the server's own, and waits for what comes of it. */
  ask(request: OutgoingRequest, options?: SendOptions): Promise<Record<string, unknown>>;
  /** Tells the operator what the client is not told. */
  reportFault(error: unknown): void;
}

/** What a handler sees of its request, built when it first looks. Its functions can be taken out of it. */
export class McpRequestView implements McpRequest {
  readonly #call: ViewedRequest;
  #lastProgress = Number.NEGATIVE_INFINITY;
  #meta: McpRequest['_meta'] | null = null;

  constructor(call: ViewedRequest) {
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
      const { meta } = this.#call;
      this.#meta = isObject(meta)
        ? Object.fromEntries(Object.entries(meta).filter(([key]) => !key.startsWith(RESERVED_META_PREFIX)))
        : undefined;
    }
    return this.#meta;
  }

  get inputResponses(): Record<string, unknown> | undefined {
    return this.#call.inputResponses;
  }

  readonly requestState = <T = string>(): T | undefined => this.#call.roundState as T | undefined;

  readonly notify = async (notification: OutgoingNotification): Promise<void> => {
    const { method, params } = notification;
    if (method === 'notifications/progress' && !this.#mayReport(params)) return;
    if (method === 'notifications/message' && !this.#wants(params?.['level'])) return;
    if (this.#call.settled) return;
    let text: string;
    try {
      text = notificationText(method, params);
    } catch (error) {
      this.#call.reportFault(error); // What JSON cannot express is lost; the request goes on.
      return;
    }
    this.#call.tell(text);
  };

  readonly log = async (level: LogLevel, data: unknown, logger?: string): Promise<void> => {
    await this.notify({
      method: 'notifications/message',
      params: { level, ...(logger === undefined ? {} : { logger }), data },
    });
  };

  readonly elicitInput = (params: Record<string, unknown>, options?: SendOptions): Promise<ElicitResult> =>
    this.#ask({ method: 'elicitation/create', params }, options) as Promise<ElicitResult>;

  readonly requestSampling = (params: Record<string, unknown>, options?: SendOptions): Promise<CreateMessageResult> =>
    this.#ask(
      { method: 'sampling/createMessage', params },
      options,
    ) as Promise<unknown> as Promise<CreateMessageResult>;

  readonly send: McpRequest['send'] = (
    request: OutgoingRequest,
    schemaOrOptions?: ResultSchema | SendOptions,
    given?: SendOptions,
  ): Promise<never> => {
    const isSchema = schemaOrOptions !== undefined && '~standard' in schemaOrOptions;
    const answer = this.#ask(request, isSchema ? given : schemaOrOptions);
    return (isSchema ? quiet(checked(request, answer, schemaOrOptions)) : answer) as Promise<never>;
  };

  #ask(request: OutgoingRequest, options: SendOptions | undefined): Promise<Record<string, unknown>> {
    return quiet(this.#call.ask(request, options));
  }

  /** Progress goes to a client that gave a token, under that token, and only forward. */
  #mayReport(params: Record<string, unknown> | undefined): boolean {
    const token = this._meta?.progressToken;
    const progress = params?.['progress'];
    if (token === undefined || params?.['progressToken'] !== token) return false;
    const total = params?.['total'];
    if (!Number.isFinite(progress) || (total !== undefined && !Number.isFinite(total))) return false;
    if ((progress as number) <= this.#lastProgress) return false;
    this.#lastProgress = progress as number;
    return true;
  }

  #wants(level: unknown): boolean {
    const least = this.#call.logLevel;
    return least !== undefined && LOG_LEVELS.indexOf(level as LogLevel) >= LOG_LEVELS.indexOf(least);
  }
}

/** A handler that does not wait for what it asked does not end the process when nothing comes of it. */
function quiet<T>(answer: Promise<T>): Promise<T> {
  answer.catch(() => {});
  return answer;
}

async function checked(
  { method }: OutgoingRequest,
  answer: Promise<Record<string, unknown>>,
  schema: ResultSchema,
): Promise<unknown> {
  const result = await schema['~standard'].validate(await answer);
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map(({ message }) => message).join('; ');
  throw new ClientRequestError('CLIENT_ANSWER_INVALID', `the client's answer to ${method} does not fit: ${issues}`);
}
