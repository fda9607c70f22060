import { createRequire } from 'node:module';
import type { ErrorObject, Options, ValidateFunction } from 'ajv';

/** A JSON Schema compiled to code: nothing when the value fits, otherwise what is wrong with it. */
export type JsonSchemaCheck = (value: unknown) => readonly { readonly path: string; readonly message: string }[] | undefined;

type AjvClass = new (options: Options) => { compile(schema: object): ValidateFunction };

const OPTIONS: Options = {
  strict: false,
  allErrors: false,
  validateFormats: false,
  validateSchema: true,
  logger: false,
};

const DRAFT_7 = /^https?:\/\/json-schema\.org\/draft-0[67]\/schema#?$/;
const load = createRequire(import.meta.url);

/**
 * Compiles a JSON Schema of draft 2020-12, or of draft 7 where `$schema` says so.
 *
 * The compiler is loaded by the first schema that needs it. A remote `$ref` is not fetched: it fails the compilation.
 *
 * @throws {Error} when the schema is not valid or refers to something that is not in it.
 */
export function compileJsonSchema(schema: object): JsonSchemaCheck {
  const isDraft7 = DRAFT_7.test(String((schema as { $schema?: unknown }).$schema ?? ''));
  const module = load(isDraft7 ? 'ajv' : 'ajv/dist/2020') as { default: AjvClass };
  const check = new module.default(OPTIONS).compile(schema);
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
