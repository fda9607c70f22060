import { OptionError } from '../kernel/errors.ts';

/** What a template's variables stand for in a URI, as they are written there. */
export type Variables = Record<string, string | string[]>;

type Operator = '' | '+' | '#' | '.' | '/';
type Part = { readonly literal: string } | { readonly name: string; readonly operator: Operator; readonly explode: boolean };
type Variable = Exclude<Part, { literal: string }>;

const EXPRESSION = /\{([+#./?&]?)([^{}]*)\}/g;
const NAME = /^[A-Za-z0-9_.%]+$/;

/**
 * A URI template (RFC 6570) that URIs are matched against.
 *
 * Matching takes linear time whatever the template: it goes from the end to the start, each literal at its last possible
 * place, and never goes back. Variables are never empty; only `{+name}` and `{#name}` take in a slash. `{?a,b}` names
 * query members, which may be absent and stand in any order.
 */
export class UriTemplate {
  readonly #text: string;
  readonly #parts: readonly Part[];
  readonly #query: readonly string[];

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
    let rest = uri;
    if (this.#query.length > 0) {
      const mark = uri.indexOf('?');
      if (mark !== -1) {
        rest = uri.slice(0, mark);
        for (const pair of uri.slice(mark + 1).split('&')) {
          const equals = pair.indexOf('=');
          const name = equals === -1 ? pair : pair.slice(0, equals);
          if (this.#query.includes(name)) found.set(name, equals === -1 ? '' : pair.slice(equals + 1));
        }
      }
    }
    return this.#matchParts(rest, found) ? Object.fromEntries(found) : null;
  }

  #matchParts(uri: string, found: Map<string, string | string[]>): boolean {
    let end = uri.length;
    for (let index = this.#parts.length - 1; index >= 0; index--) {
      const part = this.#parts[index] as Part;
      if ('literal' in part) {
        if (!uri.endsWith(part.literal, end)) return false;
        end -= part.literal.length;
        continue;
      }
      const start = this.#startOf(uri, index, end);
      if (start === -1 || start >= end) return false;
      const value = uri.slice(start, end);
      if (part.operator !== '+' && part.operator !== '#' && value.includes('/')) return false;
      found.set(part.name, part.explode && value.includes(',') ? value.split(',') : value);
      end = start;
    }
    return end === 0;
  }

  /** Where the value of a variable starts that ends at `end`: after the last place where the literal before it stands. */
  #startOf(uri: string, index: number, end: number): number {
    const before = this.#parts[index - 1];
    if (before === undefined) return 0;
    if ('name' in before) return end - 1;
    const at = end - 1 - before.literal.length < 0 ? -1 : uri.lastIndexOf(before.literal, end - 1 - before.literal.length);
    return at === -1 ? -1 : at + before.literal.length;
  }
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
    const separator = operator === '#' && index === 0 ? '#' : operator === '.' || operator === '/' ? operator : index > 0 ? ',' : '';
    if (separator !== '') pushLiteral(parts, separator, 0, 1, query.length > 0);
    const variable: Variable = { name, operator: operator as Operator, explode };
    parts.push(variable);
  }
}
