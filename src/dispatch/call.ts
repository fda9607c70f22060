import type { ServerContext } from '../registry/registry.ts';
import type { RequestOutcome } from '../signal/signal.ts';
import type { Era } from '../wire/wire.ts';

/** One request as dispatch sees it: the context that handlers get, and what is noted about it on the way. */
export interface Call extends ServerContext {
  readonly era: Era;
  readonly method: string;
  /** Whether the client wants no answer any more. */
  readonly cancelled: boolean;
  /**
   * Who asks; empty for everyone without authorization, nothing for one whose credentials were not checked: such callers
   * cannot be told apart. Answers and state are never shared between principals.
   */
  readonly principal: string | undefined;
  /** Whether the client, or a gateway before it, marked this as a further attempt. Looked up when asked for. */
  readonly isRetry: boolean;
  /** The arguments of a tool as the client wrote them, where they stand alone in its text. */
  readonly argumentsText: string | undefined;
  /** The registered name that this request came to; for signals. */
  target: string;
  outcome: RequestOutcome;
  /** The opened state of the round before. */
  roundState: string | undefined;
  /** What a legacy client answered before its handler was entered again. */
  legacyRound: LegacyRound | undefined;
}

/** A further round of a legacy call, which is one request all along. */
export interface LegacyRound {
  /** Rounds so far. */
  readonly count: number;
  readonly responses: Record<string, unknown>;
}

export type Params = Record<string, unknown> | undefined;

/** An answer whose JSON is ready as bytes, the brace that closes the whole response included. */
export interface ReadyAnswer {
  readonly bytes: Uint8Array;
}

/** The `result` member as JSON text, or ready bytes. */
export type Answer = string | ReadyAnswer;

/** Serves one method. Throws, or rejects with, a `ProtocolError` for a JSON-RPC error of its own choice. */
export type MethodHandler = (params: Params, call: Call) => Answer | Promise<Answer>;
