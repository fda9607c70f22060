import { PeregrineError } from '../kernel/errors.ts';
import {
  type CacheHint,
  ErrorCode,
  type Implementation,
  isObject,
  legacyResultText,
  ModernResultWriter,
  ProtocolError,
} from '../wire/wire.ts';
import type { Call } from './call.ts';

/** A fault of the server that the client learns nothing more about than that it happened. */
export class InternalFault extends ProtocolError {
  readonly reason: unknown;

  constructor(reason: unknown, message = 'Internal error') {
    super(ErrorCode.InternalError, message);
    this.reason = reason;
  }
}

/** A request that was refused before anything was done for it; unlike what a handler throws, in both eras a matter of HTTP. */
export class Refusal extends ProtocolError {
  /** When it may come again, in milliseconds from now. */
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs: number) {
    super(ErrorCode.Overloaded, message, { retryAfterMs });
    this.retryAfterMs = retryAfterMs;
  }
}

/** Writes results as the caller's revision has them. What JSON cannot express becomes {@link InternalFault}. */
export class ResultWriter {
  readonly #modern: ModernResultWriter;

  constructor(serverInfo: Implementation) {
    this.#modern = new ModernResultWriter(serverInfo);
  }

  /** HOT: every answer of a tool; guarded by `npm run bench`. */
  complete(result: Record<string, unknown>, call: Pick<Call, 'era'>): string {
    try {
      return call.era === 'modern' ? this.#modern.complete(result) : legacyResultText(result);
    } catch (error) {
      throw notWritable(error);
    }
  }

  cacheable(result: Record<string, unknown>, hint: Required<CacheHint>, call: Pick<Call, 'era'>): string {
    try {
      return call.era === 'modern' ? this.#modern.cacheable(result, hint) : legacyResultText(result);
    } catch (error) {
      throw notWritable(error);
    }
  }

  inputRequired(result: Record<string, unknown>): string {
    try {
      return this.#modern.inputRequired(result);
    } catch (error) {
      throw notWritable(error);
    }
  }

  /** A task's handle: the result comes later. */
  task(task: object): string {
    return this.#modern.task({ ...task });
  }
}

function notWritable(error: unknown): InternalFault {
  return new InternalFault(error, 'The result cannot be expressed as JSON');
}

/** A handler's result as an object. @throws {InternalFault} when it is something else. */
export function resultObject(where: string, result: unknown): Record<string, unknown> {
  if (!isObject(result)) throw new InternalFault(new TypeError(`${where} must return an object`));
  return result;
}

const BUILT_IN_FAULTS = new Set([
  'TypeError',
  'ReferenceError',
  'RangeError',
  'SyntaxError',
  'EvalError',
  'URIError',
  'AggregateError',
]);
/** Codes of the runtime (`ERR_...`), the system (`ECONNREFUSED`), MySQL (`ER_...`) and SQL states (`42P01`). */
const SYSTEM_CODE = /^(?:ERR?_[A-Z0-9_]+|E[A-Z0-9]{3,}|[0-9A-Z]{5})$/;

/**
 * What a client may read of a thrown error: the message of one that the author wrote for it.
 *
 * Faults of the program and of the system (a `TypeError`, a refused connection, a database's complaint) name internals:
 * they go to the operator, and the client gets the fallback.
 */
export function publicMessage(error: unknown, fallback: string): string {
  try {
    const message = error instanceof Error && isAuthors(error) ? error.message : error;
    return typeof message === 'string' && message !== '' ? message : fallback;
  } catch {
    return fallback;
  }
}

function isAuthors(error: Error & { readonly code?: unknown }): boolean {
  if (BUILT_IN_FAULTS.has(error.name) || 'syscall' in error || 'errno' in error) return false;
  return !(typeof error.code === 'string' && SYSTEM_CODE.test(error.code));
}

/** Whether a handler chose a JSON-RPC error itself; whatever was thrown, looking at it is safe. */
export function isProtocolError(error: unknown): error is ProtocolError {
  try {
    return error instanceof ProtocolError;
  } catch {
    return false;
  }
}

/** One of this package's own errors, or nothing; whatever was thrown, looking at it is safe. */
export function toPeregrineError(error: unknown): PeregrineError | undefined {
  try {
    return error instanceof PeregrineError ? error : undefined;
  } catch {
    return undefined;
  }
}

/** Whatever a handler threw, as the error to answer. */
export function toProtocolError(error: unknown): ProtocolError {
  return isProtocolError(error) ? error : new InternalFault(error, publicMessage(error, 'Internal error'));
}
