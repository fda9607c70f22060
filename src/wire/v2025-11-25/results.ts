import { isObject, toPlainResult } from '../json.ts';
import { moveSchema } from '../json-schema.ts';

/** Members of a result that only later revisions know. */
const LATER_MEMBERS = ['resultType', 'ttlMs', 'cacheScope'] as const;

/**
 * The text of a result as the legacy revisions write it: without the members of later ones.
 *
 * @throws {TypeError} when the result holds something that JSON cannot express.
 */
export function legacyResultText(given: Record<string, unknown>): string {
  const result = toPlainResult(given);
  if (!LATER_MEMBERS.some((member) => member in result)) return JSON.stringify(result);
  const { resultType: _type, ttlMs: _ttl, cacheScope: _scope, ...rest } = result;
  return JSON.stringify(rest);
}

/** A tool's result for the legacy revisions, whose structured output must be an object. */
export function legacyToolResult(result: Record<string, unknown>, wrapsOutput: boolean): Record<string, unknown> {
  const structured = result['structuredContent'];
  if (structured === undefined || (isObject(structured) && !wrapsOutput)) return result;
  return { ...result, structuredContent: { result: structured } };
}

/** Whether an advertised output schema describes something else than an object, which these revisions cannot express. */
export function wrapsOutput(schema: Record<string, unknown> | undefined): boolean {
  return schema !== undefined && schema['type'] !== 'object';
}

/** The output schema as the legacy revisions may see it: one that is not of an object is wrapped as `{ result }`. */
export function legacyOutputSchema(schema: Record<string, unknown>): Record<string, unknown> {
  if (!wrapsOutput(schema)) return schema;
  const { $schema, ...inner } = schema;
  const result = moveSchema(inner, '/properties/result');
  return {
    ...($schema === undefined ? {} : { $schema }),
    type: 'object',
    properties: { result },
    required: ['result'],
  };
}
