import type { StandardSchemaV1 } from '@standard-schema/spec';
import { OptionError } from '../kernel/errors.ts';
import { objectOption } from '../kernel/options.ts';

/** Proposes values for an argument that the user is typing; `context` has the arguments already chosen. */
export type CompleteCallback = (
  value: string,
  context?: { readonly arguments?: Record<string, string> },
) => readonly string[] | Promise<readonly string[]>;

/** The official SDK's mark, so that schemas wrapped by either package complete in both. */
const COMPLETABLE = Symbol.for('mcp.completable');

/** Adds completion to an argument's schema: `z.object({ language: completable(z.string(), (value) => ...) })`. */
export function completable<S extends StandardSchemaV1>(schema: S, complete: CompleteCallback): S {
  Object.defineProperty(schema, COMPLETABLE, { value: { complete }, enumerable: false, configurable: true });
  return schema;
}

/** The completion that a schema carries, also under an optional wrapper. */
export function completionOf(schema: unknown): CompleteCallback | undefined {
  if (schema === null || (typeof schema !== 'object' && typeof schema !== 'function')) return undefined;
  const own = (schema as Record<symbol, unknown>)[COMPLETABLE] as { complete: CompleteCallback } | undefined;
  if (own !== undefined) return own.complete;
  const inner = (schema as { unwrap?: () => unknown }).unwrap;
  return typeof inner === 'function' ? completionOf(inner.call(schema)) : undefined;
}

/**
 * Completion callbacks by the names of arguments or variables.
 *
 * @param known The names there are; without them any name passes.
 * @throws {OptionError} for a name that is not known, or what is no function.
 */
export function completionMap(
  option: string,
  callbacks: unknown,
  known: readonly string[] | undefined,
): Map<string, CompleteCallback> {
  if (callbacks === undefined) return new Map();
  const given = objectOption(option, callbacks, known ?? Object.keys(callbacks as object));
  for (const [name, callback] of Object.entries(given)) {
    if (typeof callback !== 'function') throw new OptionError(`${option}.${name}`, 'must be a function', callback);
  }
  return new Map(Object.entries(given) as [string, CompleteCallback][]);
}
