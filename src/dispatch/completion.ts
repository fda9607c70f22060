import type { CompleteCallback, Registry } from '../registry/registry.ts';
import { ErrorCode, isObject, ProtocolError } from '../wire/wire.ts';
import type { MethodHandler } from './call.ts';
import type { DispatchParts } from './tools.ts';

/** The most values that one answer may carry, by the specification. */
const MAX_VALUES = 100;

/** Serves `completion/complete`. An argument without completion has no values, which is no error. */
export function createCompleter(parts: DispatchParts): MethodHandler {
  return async (params, call) => {
    const { ref, argument, context } = params ?? {};
    if (
      !isObject(ref) ||
      !isObject(argument) ||
      typeof argument['name'] !== 'string' ||
      typeof argument['value'] !== 'string'
    ) {
      throw new ProtocolError(ErrorCode.InvalidParams, 'ref and argument { name, value } are required');
    }
    const complete = findCompletion(parts.registry, ref, argument['name']);
    const chosen =
      isObject(context) && isObject(context['arguments'])
        ? { arguments: context['arguments'] as Record<string, string> }
        : undefined;
    const all = complete === undefined ? [] : await complete(argument['value'], chosen);
    const values = all.slice(0, MAX_VALUES);
    return parts.writer.complete(
      { completion: { values, total: all.length, hasMore: all.length > values.length } },
      call,
    );
  };
}

/** @throws {ProtocolError} -32602 when the reference names nothing that is registered. */
function findCompletion(
  registry: Registry,
  ref: Record<string, unknown>,
  argument: string,
): CompleteCallback | undefined {
  if (ref['type'] === 'ref/prompt' && typeof ref['name'] === 'string') {
    const prompt = registry.prompts.get(ref['name']);
    if (prompt?.enabled) return prompt.compiled.completions.get(argument);
  } else if (ref['type'] === 'ref/resource' && typeof ref['uri'] === 'string') {
    for (const template of registry.templates.values()) {
      if (template.enabled && template.target.uriTemplate.toString() === ref['uri'])
        return template.target.completeCallback(argument);
    }
    if (registry.resources.get(ref['uri'])?.enabled) return undefined;
  }
  throw new ProtocolError(ErrorCode.InvalidParams, 'ref names no prompt and no resource of this server');
}
