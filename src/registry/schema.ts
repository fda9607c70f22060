import type { StandardSchemaV1 } from '@standard-schema/spec';
import { OptionError, toMessage } from '../kernel/errors.ts';
import { isObject, type JsonSchema, moveSchema } from '../wire/wire.ts';
import { compileJsonSchema } from './adapter/ajv.ts';
import { plainCheckOf } from './plain-schema.ts';

/** A plain object of field schemas, such as `{ id: z.number() }`. */
export interface RawShape {
  readonly [field: string]: StandardSchemaV1;
}

/**
 * What describes arguments or results: a schema of any Standard Schema library that can tell its JSON Schema, a plain
 * object of such field schemas, or a JSON Schema as it is (draft 2020-12, or 7 where `$schema` says so).
 */
export type AnySchema = StandardSchemaV1 | RawShape | JsonSchema;

type OptionalKeys<S extends RawShape> = {
  [K in keyof S]: undefined extends StandardSchemaV1.InferOutput<S[K]> ? K : never;
}[keyof S];
type ShapeOutput<S extends RawShape> = {
  [K in Exclude<keyof S, OptionalKeys<S>>]: StandardSchemaV1.InferOutput<S[K]>;
} & {
  [K in OptionalKeys<S>]?: StandardSchemaV1.InferOutput<S[K]>;
};

/** The type that a handler receives for a schema. */
export type InferSchema<S> = S extends StandardSchemaV1
  ? StandardSchemaV1.InferOutput<S>
  : S extends RawShape
    ? { [K in keyof ShapeOutput<S>]: ShapeOutput<S>[K] }
    : Record<string, unknown>;

/** What a check found: the value as the schema's library returns it, or the issues as one line. */
export type Checked = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly issues: string };

/** A schema made ready once, at registration. */
export interface CompiledSchema {
  /** The schema as clients see it. */
  readonly json: JsonSchema;
  /** Checks a value. A library with asynchronous checks answers a promise. */
  check(value: unknown): Checked | Promise<Checked>;
  /** The schemas of single fields, where the library shows them: they may carry completion. */
  readonly fields: RawShape | undefined;
}

/** Whether a value is a schema of a Standard Schema library. */
export function isStandardSchema(value: unknown): value is StandardSchemaV1 {
  return (typeof value === 'object' || typeof value === 'function') && value !== null && '~standard' in value;
}

function isRawShape(value: object): value is RawShape {
  const fields = Object.values(value);
  return fields.length === 0 || fields.every(isStandardSchema);
}

/**
 * Makes a schema ready.
 *
 * @param io Whether the JSON Schema is to describe what the library takes (`input`) or what it returns (`output`).
 * @throws {OptionError} when it is no schema, cannot tell its JSON Schema, or is not valid.
 */
export function compileSchema(name: string, schema: unknown, io: 'input' | 'output'): CompiledSchema {
  if (isStandardSchema(schema)) return compileStandard(name, schema, io);
  if (!isObject(schema))
    throw new OptionError(name, 'must be a Standard Schema, an object of field schemas or a JSON Schema', schema);
  if (isRawShape(schema)) return compileStandard(name, objectOf(name, schema, io), io);
  try {
    const check = compileJsonSchema(schema);
    return {
      json: schema,
      fields: undefined,
      check: (value) => {
        const issues = check(value);
        return issues === undefined
          ? { ok: true, value }
          : { ok: false, issues: issues.map((i) => withPath(i.path, i.message)).join('; ') };
      },
    };
  } catch (error) {
    throw new OptionError(name, `must be a valid JSON Schema (${toMessage(error)})`, schema);
  }
}

function compileStandard(name: string, schema: StandardSchemaV1, io: 'input' | 'output'): CompiledSchema {
  const standard = schema['~standard'];
  const shape = (schema as { shape?: unknown }).shape;
  const json = standardToJson(name, schema, io);
  const isPlain = plainCheckOf(schema);
  return {
    json,
    fields: isObject(shape) && isRawShape(shape) ? shape : undefined,
    check: (value) => {
      if (isPlain?.(value)) return { ok: true, value };
      const result = standard.validate(value);
      return result instanceof Promise ? result.then(toChecked) : toChecked(result);
    },
  };
}

function toChecked(result: StandardSchemaV1.Result<unknown>): Checked {
  if (result.issues === undefined) return { ok: true, value: result.value };
  return { ok: false, issues: result.issues.map((issue) => withPath(pathText(issue.path), issue.message)).join('; ') };
}

function pathText(path: StandardSchemaV1.Issue['path']): string {
  return (path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
}

function withPath(path: string, message: string): string {
  return path === '' ? message : `${path}: ${message}`;
}

interface JsonConverter {
  readonly input: (options: { target: string }) => JsonSchema;
  readonly output: (options: { target: string }) => JsonSchema;
}

/** The JSON Schema of a Standard Schema. @throws {OptionError} when its library cannot tell. */
export function standardToJson(name: string, schema: StandardSchemaV1, io: 'input' | 'output'): JsonSchema {
  const standard = schema['~standard'] as StandardSchemaV1.Props & { jsonSchema?: JsonConverter };
  if (standard.jsonSchema === undefined) {
    throw new OptionError(
      name,
      `must tell its JSON Schema; wrap the ${standard.vendor} schema with the library's converter to Standard JSON Schema`,
      schema,
    );
  }
  try {
    return standard.jsonSchema[io]({ target: 'draft-2020-12' });
  } catch (error) {
    throw new OptionError(name, `must be expressible as JSON Schema (${toMessage(error)})`, schema);
  }
}

/** One schema of a plain object of field schemas; fields it does not know are dropped. */
function objectOf(name: string, shape: RawShape, io: 'input' | 'output'): StandardSchemaV1 {
  const fields = Object.entries(shape);
  const required = fields.filter(([, field]) => isRequired(field)).map(([key]) => key);
  const properties = Object.fromEntries(
    fields.map(([key, field]) => [key, memberSchema(key, standardToJson(`${name}.${key}`, field, io))]),
  );
  const json = { type: 'object', properties, ...(required.length > 0 ? { required } : {}) };
  const standard = {
    version: 1,
    vendor: 'peregrine',
    validate: (value: unknown) => validateShape(fields, value),
    jsonSchema: { input: () => json, output: () => json },
  };
  return { '~standard': standard, shape } as unknown as StandardSchemaV1;
}

/** A field's schema as a member of the whole: without a dialect of its own, its references moved to its place. */
function memberSchema(key: string, { $schema: _dialect, ...schema }: JsonSchema): JsonSchema {
  return moveSchema(schema, `/properties/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
}

/** Whether a field refuses to be absent. One that cannot say so at once is taken not to. */
function isRequired(field: StandardSchemaV1): boolean {
  try {
    const result = field['~standard'].validate(undefined);
    if (!(result instanceof Promise)) return result.issues !== undefined;
    result.catch(() => {});
    return false;
  } catch {
    return true;
  }
}

type Entries = readonly (readonly [string, StandardSchemaV1])[];

function validateShape(
  fields: Entries,
  value: unknown,
): StandardSchemaV1.Result<unknown> | Promise<StandardSchemaV1.Result<unknown>> {
  if (!isObject(value)) return { issues: [{ message: 'expected an object' }] };
  const results = fields.map(([key, field]) =>
    field['~standard'].validate(Object.hasOwn(value, key) ? value[key] : undefined),
  );
  if (results.some((result) => result instanceof Promise))
    return Promise.all(results).then((all) => joinFields(fields, all));
  return joinFields(fields, results as StandardSchemaV1.Result<unknown>[]);
}

function joinFields(
  fields: Entries,
  results: readonly StandardSchemaV1.Result<unknown>[],
): StandardSchemaV1.Result<unknown> {
  const issues: StandardSchemaV1.Issue[] = [];
  const values = new Map<string, unknown>();
  for (const [index, [key]] of fields.entries()) {
    const result = results[index] as StandardSchemaV1.Result<unknown>;
    if (result.issues !== undefined)
      issues.push(...result.issues.map((issue) => ({ message: issue.message, path: [key, ...(issue.path ?? [])] })));
    else if (result.value !== undefined) values.set(key, result.value);
  }
  return issues.length > 0 ? { issues } : { value: Object.fromEntries(values) };
}
