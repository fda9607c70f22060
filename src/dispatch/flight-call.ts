import { PeregrineError } from '../kernel/errors.ts';
import type { McpRequest, ServerContext } from '../registry/registry.ts';
import type { RequestOutcome } from '../signal/signal.ts';
import type { Era, RequestId } from '../wire/wire.ts';
import type { Call } from './call.ts';

/**
 * A call whose answer is made for several requests: that of the first, but for what ends it. It goes on when the first
 * client leaves, as long as another one waits.
 */
export class FlightCall implements Call {
  target: string;
  outcome: RequestOutcome = 'ok';
  roundState: string | undefined = undefined;
  legacyRound = undefined;
  /** What the handler asks of a legacy client, whose own affair that is. */
  asked: Record<string, unknown> | undefined;
  /** Whether the handler threw, so that its answer only says so. */
  hasFailed = false;
  readonly signal: AbortSignal;
  /** The request that it began for. */
  readonly first: Call;
  #view: McpRequest | undefined;

  constructor(first: Call, signal: AbortSignal) {
    this.first = first;
    this.signal = signal;
    this.target = first.target;
  }

  get era(): Era {
    return this.first.era;
  }
  get method(): string {
    return this.first.method;
  }
  get isRetry(): boolean {
    return this.first.isRetry;
  }
  get argumentsText(): string | undefined {
    return this.first.argumentsText;
  }
  get cancelled(): boolean {
    return this.signal.aborted;
  }
  get principal(): string | undefined {
    return this.first.principal;
  }
  get auth(): ServerContext['auth'] {
    return this.first.auth;
  }
  get authInfo(): ServerContext['authInfo'] {
    return this.first.authInfo;
  }
  get sessionId(): string | undefined {
    return this.first.sessionId;
  }
  get http(): ServerContext['http'] {
    return this.first.http;
  }
  get clientInfo(): ServerContext['clientInfo'] {
    return this.first.clientInfo;
  }
  get clientCapabilities(): ServerContext['clientCapabilities'] {
    return this.first.clientCapabilities;
  }
  get requestId(): RequestId {
    return this.first.requestId;
  }
  get task(): ServerContext['task'] {
    return this.first.task;
  }
  get _meta(): McpRequest['_meta'] {
    return this.first._meta;
  }
  get progress(): ServerContext['progress'] {
    return this.first.progress;
  }
  get sendNotification(): ServerContext['sendNotification'] {
    return this.first.sendNotification;
  }

  get sendRequest(): McpRequest['send'] {
    return this.mcpReq.send;
  }

  get mcpReq(): McpRequest {
    if (this.#view === undefined) {
      const { id, method, _meta, envelope, inputResponses, requestState, notify, log } = this.first.mcpReq;
      // What one client says is not for all who wait; one of the modern era is told what to do in place of asking.
      const { elicitInput, requestSampling, send } =
        this.era === 'modern'
          ? this.first.mcpReq
          : { elicitInput: cannotAsk, requestSampling: cannotAsk, send: cannotAsk };
      this.#view = {
        ...{ id, method, _meta, envelope, inputResponses, requestState },
        ...{ notify, log, elicitInput, requestSampling, send },
        signal: this.signal,
      };
    }
    return this.#view;
  }
}

async function cannotAsk(): Promise<never> {
  throw new PeregrineError(
    'ANSWER_SHARED',
    'an answer that is kept for others cannot depend on what one client says: return inputRequired(...) from the handler',
  );
}
