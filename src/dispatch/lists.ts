import { type ListKind, type Registry } from '../registry/registry.ts';
import { type CacheHint, type Era, ErrorCode, ProtocolError } from '../wire/wire.ts';
import type { Answer, Call, MethodHandler, ReadyAnswer } from './call.ts';
import type { ResultWriter } from './result-writer.ts';
import { resultObject } from './result-writer.ts';

/** The four lists, by the member of their result that holds the entries. */
export type ListName = 'tools' | 'resources' | 'resourceTemplates' | 'prompts';

/** What the lists are made of. */
export interface ListParts {
  readonly registry: Registry;
  readonly writer: ResultWriter;
  /** Entries in one page. */
  readonly pageSize: number;
  readonly hints: { readonly [K in ListName]: Required<CacheHint> };
}

interface Item {
  /** What a cursor remembers: lists may change between two pages. */
  readonly key: string;
  readonly definition: Record<string, unknown>;
}

const KIND: { readonly [K in ListName]: ListKind } = { tools: 'tools', resources: 'resources', resourceTemplates: 'resources', prompts: 'prompts' };
const NOT_FOUND = new ProtocolError(ErrorCode.InvalidParams, 'Invalid cursor');

/** Answers the lists from bytes made ready once; a change of the registry throws away those of its kind. */
export class Lists {
  readonly #parts: ListParts;
  readonly #ready = new Map<string, ReadyAnswer>();
  readonly #encoder = new TextEncoder();

  constructor(parts: ListParts) {
    this.#parts = parts;
    parts.registry.changed.on((kind) => {
      for (const key of this.#ready.keys()) if (KIND[key.slice(0, key.indexOf(':')) as ListName] === kind) this.#ready.delete(key);
    });
  }

  /** The handler of one list's method. */
  handler(name: ListName): MethodHandler {
    return (params, call) => {
      const cursor = params?.['cursor'];
      if (cursor !== undefined && typeof cursor !== 'string') throw new ProtocolError(ErrorCode.InvalidParams, 'cursor must be a string');
      if (name === 'resources' && this.#hasListCallbacks()) return this.#dynamicPage(cursor, call);
      return this.#readyPage(name, cursor, call.era);
    };
  }

  #readyPage(name: ListName, cursor: string | undefined, era: Era): ReadyAnswer {
    const key = `${name}:${era}:${cursor ?? ''}`;
    let ready = this.#ready.get(key);
    if (ready === undefined) {
      const text = this.#page(name, this.#items(name, era), cursor, { era });
      ready = { bytes: this.#encoder.encode(`${text}}`) };
      this.#ready.set(key, ready);
    }
    return ready;
  }

  /** Only existing cursors get here with success, hence there are never more ready pages than entries. */
  #page(name: ListName, items: readonly Item[], cursor: string | undefined, call: Pick<Call, 'era'>): string {
    const { pageSize, writer, hints } = this.#parts;
    const start = cursor === undefined ? 0 : positionAfter(items, decodeCursor(name, cursor));
    const page = items.slice(start, start + pageSize);
    const last = page.at(-1);
    const result: Record<string, unknown> = { [name]: page.map((item) => item.definition) };
    if (last !== undefined && start + pageSize < items.length) result['nextCursor'] = encodeCursor(name, last.key);
    return writer.cacheable(result, hints[name], call);
  }

  #items(name: ListName, era: Era): Item[] {
    const { registry } = this.#parts;
    const items: Item[] = [];
    if (name === 'tools') {
      for (const [key, { enabled, compiled }] of registry.tools) {
        if (enabled) items.push({ key, definition: era === 'legacy' ? compiled.legacyDefinition : compiled.definition });
      }
    } else if (name === 'prompts') {
      for (const [key, { enabled, compiled }] of registry.prompts) if (enabled) items.push({ key, definition: compiled.definition });
    } else {
      const entries = name === 'resources' ? registry.resources : registry.templates;
      for (const [key, { enabled, definition }] of entries) if (enabled) items.push({ key, definition });
    }
    return items;
  }

  #hasListCallbacks(): boolean {
    for (const { enabled, target } of this.#parts.registry.templates.values()) if (enabled && target.listCallback !== undefined) return true;
    return false;
  }

  /** Resources that families name themselves are asked for each time, after the registered ones. */
  async #dynamicPage(cursor: string | undefined, call: Call): Promise<Answer> {
    const items = this.#items('resources', call.era);
    for (const template of this.#parts.registry.templates.values()) {
      const list = template.enabled ? template.target.listCallback : undefined;
      if (list === undefined) continue;
      const result = resultObject(`list of "${template.name}"`, await list(call));
      const { name: _name, uriTemplate: _template, ...shared } = template.definition;
      for (const resource of result['resources'] as Record<string, unknown>[]) {
        items.push({ key: String(resource['uri']), definition: { ...shared, ...resource } });
      }
    }
    return this.#page('resources', items, cursor, call);
  }
}

function encodeCursor(name: ListName, lastKey: string): string {
  return Buffer.from(JSON.stringify([name, lastKey]), 'utf8').toString('base64url');
}

function decodeCursor(name: ListName, cursor: string): string {
  try {
    const [list, key] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[];
    if (list === name && typeof key === 'string' && encodeCursor(name, key) === cursor) return key;
  } catch {
    // Not a cursor of ours: answered below.
  }
  throw NOT_FOUND;
}

function positionAfter(items: readonly Item[], key: string): number {
  const index = items.findIndex((item) => item.key === key);
  if (index === -1) throw NOT_FOUND;
  return index + 1;
}
