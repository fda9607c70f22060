import { PeregrineError } from '../kernel/errors.ts';
import type { McpRequest, OutgoingNotification, ServerContext, TaskHandle } from '../registry/registry.ts';
import type { RequestOutcome } from '../signal/signal.ts';
import type { Era, RequestId } from '../wire/wire.ts';
import type { Call } from './call.ts';

/** What a handler that is entered again gets of the round before. */
export interface EarlierRound {
  readonly responses: Record<string, unknown> | undefined;
  readonly state: string | undefined;
}

/**
 * A call that may outlive its request: that request while it waits for the answer, afterwards a task. It ends with the request
 * until then, and later when the task is cancelled, expires, or the server stops.
 */
export class TaskCall implements Call {
  readonly era: Era = 'modern';
  readonly method = 'tools/call';
  readonly argumentsText = undefined;
  readonly sessionId = undefined;
  readonly isRetry = false;
  readonly legacyRound = undefined;
  readonly principal: string | undefined;
  readonly clientInfo: ServerContext['clientInfo'];
  readonly clientCapabilities: ServerContext['clientCapabilities'];
  readonly requestId: RequestId;
  readonly task: TaskHandle;
  /** The request that it began for, or that let it go on. */
  readonly first: Call;
  target: string;
  outcome: RequestOutcome = 'ok';
  roundState: string | undefined;
  /** What the handler asked for, once it is a task. */
  asked: Record<string, unknown> | undefined;
  readonly #controller = new AbortController();
  readonly #say: (message: string) => void;
  readonly #responses: Record<string, unknown> | undefined;
  readonly #onLeave = (): void => this.end(this.first.signal.reason);
  #isTask = false;
  #view: McpRequest | undefined;

  constructor(first: Call, id: string, round: EarlierRound, say: (message: string) => void) {
    this.first = first;
    this.target = first.target;
    this.principal = first.principal;
    this.clientInfo = first.clientInfo;
    this.clientCapabilities = first.clientCapabilities;
    this.requestId = first.requestId;
    this.roundState = round.state;
    this.#responses = round.responses;
    this.#say = say;
    this.task = { id, update: (message) => say(String(message)) };
    if (first.signal.aborted) this.#onLeave();
    else first.signal.addEventListener('abort', this.#onLeave, { once: true });
  }

  /** Whether the client has its handle: the request is over, and says nothing more. */
  get isTask(): boolean {
    return this.#isTask;
  }
  get signal(): AbortSignal {
    return this.#controller.signal;
  }
  get cancelled(): boolean {
    return this.signal.aborted;
  }
  get auth(): ServerContext['auth'] {
    return this.first.auth;
  }
  get authInfo(): ServerContext['authInfo'] {
    return this.first.authInfo;
  }
  get http(): ServerContext['http'] {
    return this.first.http;
  }
  get _meta(): McpRequest['_meta'] {
    return this.mcpReq._meta;
  }

  get mcpReq(): McpRequest {
    const { id, _meta, envelope } = this.first.mcpReq;
    this.#view ??= {
      ...{ id, method: this.method, _meta, envelope, signal: this.signal, inputResponses: this.#responses },
      requestState: <T>() => this.roundState as T | undefined,
      notify: (notification) => this.#notify(notification),
      log: async (level, data, logger) => {
        if (!this.#isTask) await this.first.mcpReq.log(level, data, logger);
      },
      ...{ elicitInput: noRequests, requestSampling: noRequests, send: noRequests },
    };
    return this.#view;
  }

  get sendNotification(): ServerContext['sendNotification'] {
    return this.mcpReq.notify;
  }

  get sendRequest(): McpRequest['send'] {
    return this.mcpReq.send;
  }

  get progress(): ServerContext['progress'] {
    return (progress, total, message) => {
      if (!this.#isTask) this.first.progress(progress, total, message);
      this.#say(progressText({ progress, total, message }));
    };
  }

  /** The client has its handle: when it leaves, that ends nothing any more. */
  becomeTask(): void {
    this.#isTask = true;
    this.#letGo();
  }

  /** The request has its answer; nothing becomes of the task. */
  stayCall(): void {
    this.#letGo();
  }

  /** Ends what its handler does, if that listens to its signal. */
  end(reason: unknown): void {
    this.#letGo();
    this.#controller.abort(reason);
  }

  #letGo(): void {
    this.first.signal.removeEventListener('abort', this.#onLeave);
  }

  /** Tasks know neither progress nor log messages: progress becomes the status message. */
  async #notify(notification: OutgoingNotification): Promise<void> {
    if (notification.method === 'notifications/progress') this.#say(progressText(notification.params ?? {}));
    if (!this.#isTask) await this.first.mcpReq.notify(notification);
  }
}

/** Progress in words: `copying (3 of 10)`. */
function progressText(params: { readonly [member: string]: unknown }): string {
  const { progress, total, message } = params;
  const far = total === undefined ? String(progress) : `${progress} of ${total}`;
  return typeof message === 'string' && message !== '' ? `${message} (${far})` : far;
}

const noRequests = async (): Promise<never> => {
  throw new PeregrineError('SESSION_REQUIRED', 'a task sends no requests: return inputRequired(...) from the handler');
};
