import * as official from '@kubernetes/client-node';

interface Attribute {
  readonly name: string;
  readonly baseName: string;
  readonly type: string;
}

const MODELS = official as unknown as Readonly<
  Record<string, { getAttributeTypeMap?(): readonly Attribute[] } | undefined>
>;
/** What a type that is no model may be in JSON. */
const PLAIN: Readonly<Record<string, readonly string[]>> = {
  string: ['string'],
  number: ['number'],
  boolean: ['boolean'],
  IntOrString: ['string', 'number'],
  any: ['string', 'number', 'boolean', 'object'],
  object: ['object'],
};

/** What is wrong with an object of Kubernetes by the models of the official client: unknown fields, and values of another type. */
export function problemsOf(manifest: unknown): string[] {
  const { apiVersion = '', kind = '' } = manifest as { readonly apiVersion?: string; readonly kind?: string };
  const version = apiVersion.split('/').at(-1) ?? '';
  const model = `${version.charAt(0).toUpperCase()}${version.slice(1)}${kind}`;
  return MODELS[model] === undefined ? [`no model ${model}`] : check(manifest, model, kind);
}

function check(value: unknown, type: string, path: string): string[] {
  const element = /^Array<(.+)>$/.exec(type)?.[1];
  if (element !== undefined) {
    if (!Array.isArray(value)) return [`${path} is no list`];
    return value.flatMap((each, index) => check(each, element, `${path}[${index}]`));
  }
  const member = /^\{ \[key: string\]: (.+?);? \}$/.exec(type)?.[1];
  if (member !== undefined)
    return Object.entries(value as object).flatMap(([key, each]) => check(each, member, `${path}.${key}`));
  const attributes = MODELS[type]?.getAttributeTypeMap?.();
  if (attributes !== undefined) return checkFields(value, attributes, path);
  const allowed = PLAIN[type];
  if (allowed === undefined) return [`${path}: its type ${type} is not known here`];
  return allowed.includes(typeof value) ? [] : [`${path} is a ${typeof value}, not a ${type}`];
}

function checkFields(value: unknown, attributes: readonly Attribute[], path: string): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path} is no object`];
  return Object.entries(value).flatMap(([key, each]) => {
    const attribute = attributes.find(({ baseName }) => baseName === key);
    return attribute === undefined ? [`${path}.${key} is not known`] : check(each, attribute.type, `${path}.${key}`);
  });
}
