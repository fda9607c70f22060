import { OptionError } from '../kernel/errors.ts';

/** What a template's variables stand for in a URI, as they are written there. */
export type Variables = Record<string, string | string[]>;

type Operator = '' | '+' | '#' | '.' | '/';
type Part =
  | { readonly literal: string }
  | { readonly name: string; readonly operator: Operator; readonly explode: boolean };
type Variable = Exclude<Part, { literal: string }>;

const EXPRESSION = /\{([+#./?&]?)([^{}]*)\}/g;
const NAME = /^[A-Za-z0-9_.%]+$/;

/**
 * A URI template (RFC 6570) that URIs are matched against.
 *
 * A URI fits whenever some values make the template into it; of several ways the one counts in which earlier variables
 * are longest. Finding it takes time linear in the URI, whatever the template. Variables are never empty; only `{+name}`
 * and `{#name}` take in a slash. `{?a,b}` names query members, which may be absent and stand in any order.
 */
export class UriTemplate {
  readonly #text: string;
  readonly #parts: readonly Part[];
  readonly #query: readonly string[];
  /** Members of the query that the template writes out, before those that may be absent; 0 where it has no `?` of its own. */
  readonly #fixedMembers: number;

  /** @throws {OptionError} when the template is not well-formed. */
  constructor(template: string) {
    this.#text = template;
    const parts: Part[] = [];
    const query: string[] = [];
    let at = 0;
    for (const match of template.matchAll(EXPRESSION)) {
      pushLiteral(parts, template, at, match.index, query.length > 0);
      pushExpression(parts, query, template, match[1] ?? '', match[2] ?? '');
      at = match.index + match[0].length;
    }
    pushLiteral(parts, template, at, template.length, query.length > 0);
    this.#parts = parts;
    this.#query = query;
    const literals = parts.map((part) => ('literal' in part ? part.literal : '')).join('');
    const mark = literals.indexOf('?');
    this.#fixedMembers = mark === -1 ? 0 : literals.slice(mark).split('&').length;
  }

  get variableNames(): string[] {
    return [...this.#parts.flatMap((part) => ('name' in part ? [part.name] : [])), ...this.#query];
  }

  toString(): string {
    return this.#text;
  }

  /** The variables of a URI that fits, or null. Values are as in the URI, not percent-decoded. */
  match(uri: string): Variables | null {
    const found = new Map<string, string | string[]>();
    const cut = this.#query.length > 0 ? this.#startOfOptional(uri) : -1;
    if (!this.#matchParts(cut === -1 ? uri : uri.slice(0, cut), found)) return null;
    if (cut === -1) return Object.fromEntries(found);
    for (const pair of uri.slice(cut + 1).split('&')) {
      const equals = pair.indexOf('=');
      const name = equals === -1 ? pair : pair.slice(0, equals);
      if (this.#query.includes(name)) found.set(name, equals === -1 ? '' : pair.slice(equals + 1));
    }
    return Object.fromEntries(found);
  }

  /** Where the query members start that may be absent: at the `?`, or at the `&` after those that the template writes out. */
  #startOfOptional(uri: string): number {
    let at = uri.indexOf('?');
    for (let member = 0; member < this.#fixedMembers && at !== -1; member++) at = uri.indexOf('&', at + 1);
    return at;
  }

  #matchParts(uri: string, found: Map<string, string | string[]>): boolean {
    const first = this.#parts[0];
    if (first !== undefined && 'literal' in first && !uri.startsWith(first.literal)) return false;
    const reachable = this.#reachableEnds(uri);
    if (reachable[0]?.[0] !== 1) return false;
    let at = 0;
    for (const [index, part] of this.#parts.entries()) {
      if ('literal' in part) {
        at += part.literal.length;
        continue;
      }
      const ends = reachable[index + 1] as Uint8Array;
      const limit = endOfValue(uri, at, part);
      let end = limit;
      while (ends[end] !== 1) end--;
      const value = uri.slice(at, end);
      found.set(part.name, part.explode && value.includes(',') ? value.split(',') : value);
      at = end;
    }
    return true;
  }

  /** For each part, the places in the URI from which it and all after it fit. Worked out from the last part to the first. */
  #reachableEnds(uri: string): Uint8Array[] {
    let after = new Uint8Array(uri.length + 1);
    after[uri.length] = 1;
    const all = [after];
    for (const part of this.#parts.toReversed()) {
      const places = new Uint8Array(uri.length + 1);
      if ('literal' in part) {
        for (let at = uri.indexOf(part.literal); at !== -1; at = uri.indexOf(part.literal, at + 1))
          places[at] = after[at + part.literal.length] ?? 0;
      } else {
        let fits = false;
        for (let at = uri.length - 1; at >= 0; at--) {
          if (!takesSlash(part) && uri[at] === '/') fits = false;
          else if (after[at + 1] === 1) fits = true;
          if (fits) places[at] = 1;
        }
      }
      all.unshift(places);
      after = places;
    }
    return all;
  }
}

function takesSlash({ operator }: Variable): boolean {
  return operator === '+' || operator === '#';
}

/** How far a variable's value can go. */
function endOfValue(uri: string, from: number, variable: Variable): number {
  const slash = takesSlash(variable) ? -1 : uri.indexOf('/', from);
  return slash === -1 ? uri.length : slash;
}

function pushLiteral(parts: Part[], template: string, from: number, to: number, afterQuery: boolean): void {
  if (from === to) return;
  const literal = template.slice(from, to);
  if (/[{}]/.test(literal)) throw new OptionError('uriTemplate', 'must have matching braces', template);
  if (afterQuery) throw new OptionError('uriTemplate', 'must end with its query', template);
  const last = parts.at(-1);
  if (last !== undefined && 'literal' in last) parts[parts.length - 1] = { literal: last.literal + literal };
  else parts.push({ literal });
}

function pushExpression(parts: Part[], query: string[], template: string, operator: string, list: string): void {
  const names = list.split(',').map((name) => name.trim());
  for (const [index, written] of names.entries()) {
    const explode = written.endsWith('*');
    const name = explode ? written.slice(0, -1) : written;
    if (!NAME.test(name)) throw new OptionError('uriTemplate', `must have a name in each expression`, template);
    if (operator === '?' || operator === '&') {
      query.push(name);
      continue;
    }
    if (query.length > 0) throw new OptionError('uriTemplate', 'must end with its query', template);
    const separator =
      operator === '#' && index === 0 ? '#' : operator === '.' || operator === '/' ? operator : index > 0 ? ',' : '';
    if (separator !== '') pushLiteral(parts, separator, 0, 1, query.length > 0);
    const variable: Variable = { name, operator: operator as Operator, explode };
    parts.push(variable);
  }
}
