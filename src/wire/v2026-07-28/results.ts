import { cacheMembers } from '../cache-hint.ts';
import { toPlainResult } from '../json.ts';
import type { CacheHint, Implementation } from '../mcp.ts';
import { MetaKey } from '../meta-keys.ts';

/** Writes this revision's results: `resultType` and the server's identity on each, caching members where they belong. */
export class ModernResultWriter {
  readonly #serverInfo: Implementation;
  readonly #metaMembers: string;
  readonly #completeTail: string;

  constructor(serverInfo: Implementation) {
    this.#serverInfo = serverInfo;
    this.#metaMembers = `${JSON.stringify(MetaKey.serverInfo)}:${JSON.stringify(serverInfo)}`;
    this.#completeTail = `,"resultType":"complete","_meta":{${this.#metaMembers}}}`;
  }

  /**
   * The text of a complete result.
   *
   * HOT: the result of most tools, one text, is written around that text; one without members that this revision owns is
   * written once and the constant tail appended. Guarded by `npm run bench`.
   *
   * @throws {TypeError} when the result holds something that JSON cannot express.
   */
  complete(result: Record<string, unknown>): string {
    const only = onlyText(result);
    if (only !== undefined) return `{"content":[{"type":"text","text":${JSON.stringify(only)}}]${this.#completeTail}`;
    if ('toJSON' in result) return this.#merged(toPlainResult(result), 'complete');
    if ('_meta' in result || 'resultType' in result) return this.#merged(result, 'complete');
    const text = JSON.stringify(result);
    return text === '{}' ? `{${this.#completeTail.slice(1)}` : text.slice(0, -1) + this.#completeTail;
  }

  /** The text of a complete result that clients may cache: what the result does not say itself comes from the hint. */
  cacheable(result: Record<string, unknown>, hint: Required<CacheHint>): string {
    return this.complete({ ...toPlainResult(result), ...cacheMembers(result, hint) });
  }

  /** The text of a result that asks for more input; it is never cached. */
  inputRequired(result: Record<string, unknown>): string {
    const { ttlMs: _ttl, cacheScope: _scope, ...rest } = toPlainResult(result);
    return this.#merged(rest, 'input_required');
  }

  /** The text of a handle: the result comes later. */
  task(result: Record<string, unknown>): string {
    return this.#merged(result, 'task');
  }

  #merged(result: Record<string, unknown>, resultType: string): string {
    const meta = { ...(result['_meta'] as object | undefined), [MetaKey.serverInfo]: this.#serverInfo };
    return JSON.stringify({ ...result, resultType, _meta: meta });
  }
}

/**
 * The text of a result that is nothing but one text, such as `{ content: [{ type: 'text', text: 'found' }] }`. Objects of
 * other prototypes may inherit such members, which JSON leaves out, or write themselves in their own way.
 */
function onlyText(result: Record<string, unknown>): string | undefined {
  const content = result['content'];
  if (!Array.isArray(content) || content.length !== 1 || !isPlain(result)) return undefined;
  const item = content[0] as { readonly type?: unknown; readonly text?: unknown } | null;
  if (item === null || typeof item !== 'object' || item.type !== 'text' || !isPlain(item)) return undefined;
  const { text } = item;
  if (typeof text !== 'string' || 'toJSON' in result || 'toJSON' in content || 'toJSON' in item) return undefined;
  let members = 0;
  for (const key in result)
    if (key === 'content') members++;
    else return undefined;
  for (const key in item)
    if (key === 'type' || key === 'text') members++;
    else return undefined;
  return members === 3 ? text : undefined;
}

function isPlain(value: object): boolean {
  return Object.getPrototypeOf(value) === Object.prototype;
}
