import { OptionError } from '../../kernel/errors.ts';
import { isObject } from '../json.ts';
import type { JsonSchema } from '../mcp.ts';
import { decodeHeaderValue, encodeHeaderValue } from './headers.ts';

/** An argument that clients repeat in a header: `Mcp-Param-{header}`. */
export interface HeaderParam {
  /** The header's name after the prefix, as declared. */
  readonly header: string;
  /** The same in lower case. */
  readonly key: string;
  /** Where the argument stands, from the arguments' root. */
  readonly path: readonly string[];
  readonly isInteger: boolean;
}

const KEYWORD = 'x-mcp-header';
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const TYPES = new Set(['string', 'integer', 'boolean']);
const DECIMAL = /^-?\d+(?:\.\d+)?$/;

/**
 * Finds the arguments that an input schema maps to headers. Worked out at registration, not for each call.
 *
 * @returns Nothing where there are none.
 * @throws {OptionError} when a mapping breaks the rules: token syntax, unique without regard to case, on a string,
 * integer or boolean, and reached through `properties` alone.
 */
export function findHeaderParams(option: string, schema: JsonSchema): readonly HeaderParam[] | undefined {
  const found: HeaderParam[] = [];
  visit(option, schema, [], true, found);
  const seen = new Set<string>();
  for (const { header, key } of found) {
    if (seen.has(key)) throw new OptionError(option, `must not map two arguments to the header "${header}"`, header);
    seen.add(key);
  }
  return found.length === 0 ? undefined : found;
}

function visit(option: string, node: unknown, path: readonly string[], reachable: boolean, found: HeaderParam[]): void {
  if (Array.isArray(node)) {
    for (const item of node) visit(option, item, path, false, found);
    return;
  }
  if (!isObject(node)) return;
  if (Object.hasOwn(node, KEYWORD)) found.push(toParam(option, node, path, reachable));
  for (const [keyword, value] of Object.entries(node)) {
    if (
      keyword === KEYWORD ||
      keyword === 'const' ||
      keyword === 'enum' ||
      keyword === 'default' ||
      keyword === 'examples'
    )
      continue;
    if (keyword === 'properties' && isObject(value)) {
      for (const [name, property] of Object.entries(value)) visit(option, property, [...path, name], reachable, found);
    } else {
      visit(option, value, path, false, found);
    }
  }
}

function toParam(
  option: string,
  node: Record<string, unknown>,
  path: readonly string[],
  reachable: boolean,
): HeaderParam {
  const header = node[KEYWORD];
  const where = `${KEYWORD} of "${path.join('.')}"`;
  if (!reachable || path.length === 0)
    throw new OptionError(option, `allows ${KEYWORD} only on arguments reached through "properties"`, header);
  if (typeof header !== 'string' || !TOKEN.test(header))
    throw new OptionError(option, `needs a header token as ${where}`, header);
  const type = node['type'];
  if (typeof type !== 'string' || !TYPES.has(type))
    throw new OptionError(option, `allows ${where} only on a string, integer or boolean`, type);
  return { header, key: header.toLowerCase(), path, isInteger: type === 'integer' };
}

/** What disagrees between the mapped headers and the arguments, or nothing. */
export function findHeaderMismatch(
  params: readonly HeaderParam[],
  args: unknown,
  headers: ReadonlyMap<string, string> | undefined,
): string | undefined {
  for (const param of params) {
    const value = valueAt(args, param.path);
    if (value === undefined || value === null || typeof value === 'object') continue;
    const name = `Mcp-Param-${param.header}`;
    const raw = headers?.get(param.key);
    if (raw === undefined) return `the ${name} header is missing`;
    const decoded = decodeHeaderValue(raw);
    if (decoded === undefined) return `the ${name} header is not valid Base64`;
    const equal =
      param.isInteger && typeof value === 'number' && DECIMAL.test(decoded)
        ? Number(decoded) === value
        : decoded === String(value);
    if (!equal) return `the ${name} header and the argument "${param.path.join('.')}" differ`;
  }
  return undefined;
}

/** The fields that repeat a call's arguments, each with its value as it is written in a header. */
export function headerParamFields(params: readonly HeaderParam[], args: unknown): [name: string, value: string][] {
  return params.flatMap(({ header, path }) => {
    const value = valueAt(args, path);
    return value === undefined || value === null || typeof value === 'object'
      ? []
      : [[`Mcp-Param-${header}`, encodeHeaderValue(String(value))] as [string, string]];
  });
}

function valueAt(root: unknown, path: readonly string[]): unknown {
  let node = root;
  for (const key of path) {
    if (!isObject(node) || !Object.hasOwn(node, key)) return undefined;
    node = node[key];
  }
  return node;
}
