import { createRequire } from 'node:module';
import type { ErrorObject, Options, ValidateFunction } from 'ajv';

/** A JSON Schema compiled to code: nothing when the value fits, otherwise what is wrong with it. */
export type JsonSchemaCheck = (
  value: unknown,
) => readonly { readonly path: string; readonly message: string }[] | undefined;

type AjvClass = new (options: Options) => { compile(schema: object): ValidateFunction };

const OPTIONS: Options = {
  strict: false,
  allErrors: false,
  validateFormats: false,
  validateSchema: true,
  ownProperties: true,
  logger: false,
};

/** The dialects that can be compiled, and the compiler of each. */
const DIALECTS = [
  [/^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/, 'ajv/dist/2020'],
  [/^https?:\/\/json-schema\.org\/draft-0[67]\/schema#?$/, 'ajv'],
] as const;
const load = createRequire(import.meta.url);

/**
 * Compiles a JSON Schema of draft 2020-12, or of draft 7 where `$schema` says so.
 *
 * The compiler is loaded by the first schema that needs it. A remote `$ref` is not fetched: it fails the compilation.
 *
 * @throws {Error} when the schema is not valid or refers to something that is not in it.
 */
export function compileJsonSchema(schema: object): JsonSchemaCheck {
  const { $schema: dialect = 'https://json-schema.org/draft/2020-12/schema', ...plain } = schema as {
    $schema?: unknown;
  };
  const compiler = DIALECTS.find(([pattern]) => pattern.test(String(dialect)))?.[1];
  if (compiler === undefined)
    throw new Error(`$schema must name draft 2020-12 or draft 7, not ${JSON.stringify(dialect)}`);
  const module = load(compiler) as { default: AjvClass };
  const check = new module.default(OPTIONS).compile(plain);
  return (value) => (check(value) ? undefined : (check.errors ?? []).map(toIssue));
}

function toIssue(error: ErrorObject): { path: string; message: string } {
  const extra = error.params['additionalProperty'] ?? error.params['unevaluatedProperty'];
  const message = error.message ?? 'is not valid';
  return {
    path: error.instancePath.slice(1).replaceAll('/', '.'),
    message: extra === undefined ? message : `${message}: ${JSON.stringify(extra)}`,
  };
}
