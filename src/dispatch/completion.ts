import {
  type CompleteCallback,
  RegisteredPrompt,
  type RegisteredResource,
  type RegisteredResourceTemplate,
  type Registry,
} from '../registry/registry.ts';
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

/** The prompt or the family of resources that a reference names; a single resource has nothing to complete. */
export function findCompleted(
  registry: Registry,
  ref: Record<string, unknown>,
): RegisteredPrompt | RegisteredResourceTemplate | RegisteredResource | undefined {
  const { type, name, uri } = ref;
  if (type === 'ref/prompt' && typeof name === 'string') return enabled(registry.prompts.get(name));
  if (type !== 'ref/resource' || typeof uri !== 'string') return undefined;
  for (const template of registry.templates.values())
    if (template.enabled && template.target.uriTemplate.toString() === uri) return template;
  return enabled(registry.resources.get(uri));
}

function enabled<E extends { readonly enabled: boolean }>(entry: E | undefined): E | undefined {
  return entry?.enabled ? entry : undefined;
}

/** @throws {ProtocolError} -32602 when the reference names nothing that is registered. */
function findCompletion(
  registry: Registry,
  ref: Record<string, unknown>,
  argument: string,
): CompleteCallback | undefined {
  const entry = findCompleted(registry, ref);
  if (entry === undefined)
    throw new ProtocolError(ErrorCode.InvalidParams, 'ref names no prompt and no resource of this server');
  if (entry instanceof RegisteredPrompt) return entry.compiled.completions.get(argument);
  return typeof entry.target === 'string' ? undefined : entry.target.completeCallback(argument);
}
