import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type InputRequest, type InputRequiredResult, isObject, type JsonSchema } from '../wire/wire.ts';
import { isStandardSchema, standardToJson } from './schema.ts';

/** What a multi-round-trip handler still needs, and what it wants to remember. At least one of both. */
export interface InputRequiredSpec {
  /** What the client is to fulfil, by keys of the handler's choice. */
  readonly inputRequests?: Record<string, InputRequest>;
  /** Handed back to the next round by `requestState()`. Sealed on the wire: the client can neither read nor change it. */
  readonly requestState?: string;
}

/** An elicitation by form: the schema of the answer is a flat object of primitive fields. */
export interface ElicitParams {
  readonly message: string;
  readonly requestedSchema: StandardSchemaV1 | JsonSchema;
}

function build(spec: InputRequiredSpec): InputRequiredResult {
  if (spec.inputRequests === undefined && spec.requestState === undefined) {
    throw new TypeError('inputRequired needs inputRequests or requestState');
  }
  return { resultType: 'input_required', ...spec };
}

/**
 * Builds the result of a handler that needs more input: `return inputRequired({ inputRequests: { ... } })`.
 *
 * The client fulfils the requests and sends the call again, with `ctx.mcpReq.inputResponses` filled.
 *
 * @see MCP 2026-07-28, basic/patterns/mrtr
 */
export const inputRequired = Object.assign(build, {
  /** Asks the user to fill in a form. */
  elicit(params: ElicitParams): InputRequest {
    const { requestedSchema, ...rest } = params;
    const json = isStandardSchema(requestedSchema)
      ? standardToJson('requestedSchema', requestedSchema, 'input')
      : requestedSchema;
    return { method: 'elicitation/create', params: { mode: 'form', ...rest, requestedSchema: toFormSchema(json) } };
  },
  /** Asks the user to open a page. */
  elicitUrl(params: { readonly message: string; readonly url: string }): InputRequest {
    return { method: 'elicitation/create', params: { mode: 'url', ...params } };
  },
  /** Asks the client's model for a message. */
  createMessage(params: Record<string, unknown>): InputRequest {
    return { method: 'sampling/createMessage', params };
  },
  /** Asks for the client's roots. */
  listRoots(): InputRequest {
    return { method: 'roots/list' };
  },
});

const FIELD_KEYWORDS = [
  'type',
  'title',
  'description',
  'default',
  'enum',
  'enumNames',
  'oneOf',
  'const',
  'format',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'items',
  'minItems',
  'maxItems',
];

/** Reduces a schema to what a form can show. @throws {TypeError} when a field is not primitive. */
function toFormSchema(schema: JsonSchema): JsonSchema {
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const fields = Object.entries(properties).map(([name, field]) => {
    if (!isObject(field) || field['type'] === 'object')
      throw new TypeError(`requestedSchema: "${name}" must be a primitive field`);
    return [name, Object.fromEntries(Object.entries(field).filter(([keyword]) => FIELD_KEYWORDS.includes(keyword)))];
  });
  const required = schema['required'];
  return { type: 'object', properties: Object.fromEntries(fields), ...(required === undefined ? {} : { required }) };
}

type Responses = Record<string, unknown> | undefined;

/** The content of an accepted form, or nothing: not there, declined, cancelled, or not valid by the schema given. */
export function acceptedContent<T extends Record<string, unknown> = Record<string, unknown>>(
  responses: Responses,
  key: string,
): T | undefined;
export function acceptedContent<S extends StandardSchemaV1>(
  responses: Responses,
  key: string,
  schema: S,
): StandardSchemaV1.InferOutput<S> | undefined;
export function acceptedContent(responses: Responses, key: string, schema?: StandardSchemaV1): unknown {
  const view = inputResponse(responses, key);
  if (view.kind !== 'elicit' || view.action !== 'accept' || view.content === undefined) return undefined;
  if (schema === undefined) return view.content;
  const result = schema['~standard'].validate(view.content);
  if (result instanceof Promise) throw new TypeError('acceptedContent needs a schema that checks synchronously');
  return result.issues === undefined ? result.value : undefined;
}

/** One input response, told apart by its shape. Untrusted. */
export type InputResponseView =
  | { readonly kind: 'missing' }
  | {
      readonly kind: 'elicit';
      readonly action: 'accept' | 'decline' | 'cancel';
      readonly content?: Record<string, unknown>;
    }
  | { readonly kind: 'sampling'; readonly result: Record<string, unknown> }
  | { readonly kind: 'roots'; readonly roots: readonly unknown[] };

/** Reads one input response. */
export function inputResponse(responses: Responses, key: string): InputResponseView {
  const value = responses !== undefined && Object.hasOwn(responses, key) ? responses[key] : undefined;
  if (!isObject(value)) return { kind: 'missing' };
  const { action, content, roots } = value;
  if (action === 'accept' || action === 'decline' || action === 'cancel') {
    return { kind: 'elicit', action, ...(isObject(content) ? { content } : {}) };
  }
  if (Array.isArray(roots)) return { kind: 'roots', roots };
  return typeof value['role'] === 'string' && content !== undefined
    ? { kind: 'sampling', result: value }
    : { kind: 'missing' };
}
