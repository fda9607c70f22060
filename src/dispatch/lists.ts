import type { CacheRule, ListKind, Registry } from '../registry/registry.ts';
import { type CacheHint, type Era, ErrorCode, ProtocolError } from '../wire/wire.ts';
import { type AnswerCache, type CachedEntry, type Made, RESOURCE_LIST_TAG, withTtl } from './answer-cache.ts';
import type { Answer, Call, MethodHandler, ReadyAnswer } from './call.ts';
import type { FlightCall } from './flight-call.ts';
import type { ResultWriter } from './result-writer.ts';
import { InternalFault, resultObject } from './result-writer.ts';

/** The four lists, by the member of their result that holds the entries. */
export type ListName = 'tools' | 'resources' | 'resourceTemplates' | 'prompts';

/** What the lists are made of. */
export interface ListParts {
  readonly answers: AnswerCache;
  readonly registry: Registry;
  readonly writer: ResultWriter;
  /** Entries in one page. */
  readonly pageSize: number;
  readonly hints: { readonly [K in ListName]: Required<CacheHint> };
}

interface Item {
  /** Its number in the order of registration; for resources that a family names, one that goes on from there. */
  readonly order: number;
  readonly key: string;
  readonly definition: Record<string, unknown>;
}

const KIND: { readonly [K in ListName]: ListKind } = {
  tools: 'tools',
  resources: 'resources',
  resourceTemplates: 'resources',
  prompts: 'prompts',
};

/** Answers the lists from bytes made ready once; a change of the registry throws away those of its kind. */
export class Lists {
  readonly #parts: ListParts;
  readonly #ready = new Map<string, ReadyAnswer>();
  readonly #encoder = new TextEncoder();
  readonly #rule: CacheRule;
  /** How often the registered resources changed. */
  #revision = 0;
  #kept: CachedEntry | undefined;

  constructor(parts: ListParts) {
    this.#parts = parts;
    const { ttlMs, cacheScope } = parts.hints.resources;
    this.#rule = {
      ttlSeconds: ttlMs / 1_000,
      staleSeconds: 0,
      staleIfErrorSeconds: undefined,
      isPublic: cacheScope === 'public',
      tags: [],
      key: undefined,
    };
    parts.registry.changed.on((kind) => {
      if (kind === 'resources') this.#revision++;
      for (const key of this.#ready.keys())
        if (KIND[key.slice(0, key.indexOf(':')) as ListName] === kind) this.#ready.delete(key);
    });
  }

  /** The handler of one list's method. */
  handler(name: ListName): MethodHandler {
    return (params, call) => {
      const cursor = params?.['cursor'];
      if (cursor !== undefined && typeof cursor !== 'string')
        throw new ProtocolError(ErrorCode.InvalidParams, 'cursor must be a string');
      if (name === 'resources' && this.#hasListCallbacks()) {
        return this.#parts.hints.resources.ttlMs > 0 ? this.#keptPage(cursor, call) : this.#dynamicPage(cursor, call);
      }
      return this.#readyPage(name, cursor, call.era);
    };
  }

  /** Ready pages are kept by where they start, so there are never more of them than entries. */
  #readyPage(name: ListName, cursor: string | undefined, era: Era): ReadyAnswer {
    const after = cursor === undefined ? 0 : readCursor(name, cursor).order;
    const first = `${name}:${era}:0`;
    const key = cursor === undefined ? first : `${name}:${era}:${after}`;
    let ready = this.#ready.get(key);
    if (ready !== undefined) return ready;
    const items = this.#items(name, era);
    const start = after === 0 ? 0 : items.findIndex((item) => item.order > after);
    ready = {
      bytes: this.#encoder.encode(`${this.#page(name, items, start === -1 ? items.length : start, { era })}}`),
    };
    if (after === 0 || items.some((item) => item.order === after)) this.#ready.set(key, ready);
    return ready;
  }

  #page(name: ListName, items: readonly Item[], start: number, call: Pick<Call, 'era'>): string {
    return this.#parts.writer.cacheable(this.#pageOf(name, items, start), this.#parts.hints[name], call);
  }

  #pageOf(name: ListName, items: readonly Item[], start: number): Record<string, unknown> {
    const { pageSize } = this.#parts;
    const page = items.slice(start, start + pageSize);
    const last = page.at(-1);
    const result: Record<string, unknown> = { [name]: page.map((item) => item.definition) };
    if (last !== undefined && start + pageSize < items.length) result['nextCursor'] = writeCursor(name, last);
    return result;
  }

  #items(name: ListName, era: Era): Item[] {
    const { registry } = this.#parts;
    const { tools, prompts, resources, templates } = registry;
    const all: readonly Item[] =
      name === 'tools'
        ? [...tools.values()].filter(isEnabled).map(({ order, key, compiled }) => ({
            order,
            key,
            definition: era === 'legacy' ? compiled.legacyDefinition : compiled.definition,
          }))
        : name === 'prompts'
          ? [...prompts.values()]
              .filter(isEnabled)
              .map(({ order, key, compiled }) => ({ order, key, definition: compiled.definition }))
          : [...(name === 'resources' ? resources : templates).values()]
              .filter(isEnabled)
              .map(({ order, key, compiled }) => ({ order, key, definition: compiled.definition }));
    return [...all].sort((a, b) => a.order - b.order);
  }

  #hasListCallbacks(): boolean {
    for (const { enabled, target } of this.#parts.registry.templates.values())
      if (enabled && target.listCallback !== undefined) return true;
    return false;
  }

  /** What families name themselves is kept for as long as clients may keep the list. */
  async #keptPage(cursor: string | undefined, call: Call): Promise<Answer> {
    const { answers } = this.#parts;
    if (this.#kept?.revision !== this.#revision) {
      const items = [...this.#items('resources', 'modern'), ...this.#items('resourceTemplates', 'modern')];
      const definition = items.map((item) => item.definition);
      this.#kept = { kind: 'list', name: 'resources', revision: this.#revision, definition, rule: this.#rule };
    }
    const entry = this.#kept;
    const at = cursor === undefined ? undefined : readCursor('resources', cursor);
    const key = answers.keyOf(entry, call, at === undefined ? [] : [at.order, at.key]);
    if (key === undefined) return this.#dynamicPage(cursor, call);
    const make = async (shared: FlightCall): Promise<Made> => {
      const { result, isKnown } = await this.#dynamicResult(cursor, shared);
      const { ttlMs: _ttl, ...rest } = result;
      const isKept = isKnown && this.#revision === entry.revision;
      return { text: this.#parts.writer.complete(rest, call), isKept, isShared: true };
    };
    return withTtl(await answers.read(entry, { key, tags: [RESOURCE_LIST_TAG] }, call, make), call.era);
  }

  async #dynamicPage(cursor: string | undefined, call: Call): Promise<Answer> {
    return this.#parts.writer.complete((await this.#dynamicResult(cursor, call)).result, call);
  }

  /**
   * Resources that families name themselves are asked for each time, after the registered ones; each URI counts once. A page
   * is known when its cursor is one that the list has now: of these there are never more than resources.
   */
  async #dynamicResult(
    cursor: string | undefined,
    call: Call,
  ): Promise<{ readonly result: Record<string, unknown>; readonly isKnown: boolean }> {
    const items = new Map(this.#items('resources', call.era).map((item) => [item.key, item]));
    let order = 2 ** 52;
    for (const template of this.#parts.registry.templates.values()) {
      const list = template.enabled ? template.target.listCallback : undefined;
      if (list === undefined) continue;
      const { resources } = resultObject(`list of "${template.name}"`, await list(call));
      if (!Array.isArray(resources))
        throw new InternalFault(new TypeError(`list of "${template.name}" must return resources`));
      const { name: _name, uriTemplate: _template, ...shared } = template.compiled.definition;
      for (const resource of resources as Record<string, unknown>[]) {
        const key = String(resource['uri']);
        if (!items.has(key)) items.set(key, { order: order++, key, definition: { ...shared, ...resource } });
      }
    }
    const all = [...items.values()];
    const at = cursor === undefined ? undefined : readCursor('resources', cursor);
    const page = this.#pageOf('resources', all, at === undefined ? 0 : placeAfter(all, at));
    return {
      result: call.era === 'modern' ? { ...page, ...this.#parts.hints.resources } : page,
      isKnown: at === undefined || items.get(at.key)?.order === at.order,
    };
  }
}

function isEnabled(entry: { readonly enabled: boolean }): boolean {
  return entry.enabled;
}

type Place = Pick<Item, 'order' | 'key'>;

function writeCursor(name: ListName, { order, key }: Place): string {
  return Buffer.from(JSON.stringify([name, order, name === 'resources' ? key : '']), 'utf8').toString('base64url');
}

/** @throws {ProtocolError} -32602 when the cursor is none of this list. */
function readCursor(name: ListName, cursor: string): Place {
  try {
    const [list, order, key] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[];
    if (list === name && Number.isSafeInteger(order) && (order as number) > 0 && typeof key === 'string')
      return { order: order as number, key };
  } catch {
    // Not a cursor of ours: answered below.
  }
  throw new ProtocolError(ErrorCode.InvalidParams, 'Invalid cursor');
}

/** Where a list goes on: after the resource named, or where it would stand if it is gone. */
function placeAfter(items: readonly Item[], { order, key }: Place): number {
  const index = items.findIndex((item) => item.key === key);
  if (index !== -1) return index + 1;
  const next = items.findIndex((item) => item.order >= order);
  return next === -1 ? items.length : next;
}
