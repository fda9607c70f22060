import { ErrorCode, isObject, ProtocolError } from '../wire/wire.ts';
import type { MethodHandler } from './call.ts';
import { InternalFault, resultObject } from './result-writer.ts';
import { type DispatchParts, ownArguments } from './tools.ts';

/** Serves `prompts/get`. */
export function createPromptGetter(parts: DispatchParts): MethodHandler {
  const { registry, rounds, writer } = parts;
  return async (params, call) => {
    const name = params?.['name'];
    if (typeof name !== 'string') throw new ProtocolError(ErrorCode.InvalidParams, 'name must be a string');
    const prompt = registry.prompts.get(name);
    if (prompt === undefined || !prompt.enabled)
      throw new ProtocolError(ErrorCode.InvalidParams, `Unknown prompt: ${name.slice(0, 128)}`);
    call.target = prompt.name;
    const given = params?.['arguments'];
    if (given !== undefined && !isObject(given))
      throw new ProtocolError(ErrorCode.InvalidParams, 'arguments must be an object');
    rounds.open(params as Record<string, unknown>, call);
    const checked = await (prompt.compiled.args?.check(given ?? {}) ?? { ok: true as const, value: undefined });
    if (!checked.ok)
      throw new ProtocolError(
        ErrorCode.InvalidParams,
        `Invalid arguments for prompt ${prompt.name}: ${checked.issues}`,
      );
    const run = async (): Promise<Record<string, unknown>> =>
      resultObject(`prompt "${prompt.name}"`, await prompt.run(ownArguments(checked.value, params, call), call));
    const result = await rounds.asked(run, call);
    if (result['resultType'] === 'input_required') return rounds.answer(result, params, call);
    if (!Array.isArray(result['messages']))
      throw new InternalFault(new TypeError(`prompt "${prompt.name}" must return messages`));
    return writer.complete(result, call);
  };
}
