import { ErrorCode, type CacheHint, type Implementation, isObject, legacyResultText, ModernResultWriter, ProtocolError } from '../wire/wire.ts';
import type { Call } from './call.ts';

/** A fault of the server that the client learns nothing more about than that it happened. */
export class InternalFault extends ProtocolError {
  readonly reason: unknown;

  constructor(reason: unknown, message = 'Internal error') {
    super(ErrorCode.InternalError, message);
    this.reason = reason;
  }
}

/** Writes results as the caller's revision has them. What JSON cannot express becomes {@link InternalFault}. */
export class ResultWriter {
  readonly #modern: ModernResultWriter;

  constructor(serverInfo: Implementation) {
    this.#modern = new ModernResultWriter(serverInfo);
  }

  complete(result: Record<string, unknown>, call: Pick<Call, 'era'>): string {
    return guard(() => (call.era === 'modern' ? this.#modern.complete(result) : legacyResultText(result)));
  }

  cacheable(result: Record<string, unknown>, hint: Required<CacheHint>, call: Pick<Call, 'era'>): string {
    return guard(() => (call.era === 'modern' ? this.#modern.cacheable(result, hint) : legacyResultText(result)));
  }

  inputRequired(result: Record<string, unknown>): string {
    return guard(() => this.#modern.inputRequired(result));
  }
}

function guard(write: () => string): string {
  let text: string | undefined;
  try {
    text = write();
  } catch (error) {
    throw new InternalFault(error, 'The result cannot be expressed as JSON');
  }
  if (text === undefined || !text.startsWith('{')) throw new InternalFault(new TypeError('a result must be an object'), 'The result cannot be expressed as JSON');
  return text;
}

/** A handler's result as an object. @throws {InternalFault} when it is something else. */
export function resultObject(where: string, result: unknown): Record<string, unknown> {
  if (!isObject(result)) throw new InternalFault(new TypeError(`${where} must return an object`));
  return result;
}
