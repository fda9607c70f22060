import type { Logger } from '../../kernel/logger.ts';
import {
  type CacheHint,
  type Era,
  ErrorCode,
  findHeaderMismatch,
  findHeaderParams,
  type HeaderParam,
  isObject,
  ProtocolError,
  UriTemplate,
  viewOf,
  withoutView,
  wrapsOutput,
} from '../../wire/wire.ts';
import { legacyTool } from '../relay/relay.ts';
import { type BackendLists, LIST_NAMES, type ListName } from './backend-lists.ts';

/** A server's part of the merged lists. */
export interface MergedSource {
  readonly prefix: string;
  readonly name: string;
  readonly lists: Pick<BackendLists, 'current' | 'remainingMs'>;
}

/** What is remembered of a tool beside its definition. */
interface ToolFacts {
  readonly headerParams: readonly HeaderParam[] | undefined;
  readonly wraps: boolean;
}

interface Item {
  /** What it is known by: a name, or a URI. */
  readonly key: string;
  readonly definition: Record<string, unknown>;
}

/** What identifies an entry of each list, and whether that is a name that gets the prefix. */
const KEYS: { readonly [K in ListName]: string } = {
  tools: 'name',
  resources: 'uri',
  resourceTemplates: 'uriTemplate',
  prompts: 'name',
};
/** Whose a resource is must be known before tools name theirs. */
const MERGE_ORDER: readonly ListName[] = ['resources', 'resourceTemplates', 'tools', 'prompts'];

/** The lists of all servers as one, in the order of the servers and then of their own. */
export class MergedLists<S extends MergedSource> {
  readonly #sources: readonly S[];
  readonly #separator: string;
  readonly #pageSize: number;
  readonly #logger: Logger;
  readonly #told = new Set<string>();
  #items: { readonly [K in ListName]: readonly Item[] } = {
    tools: [],
    resources: [],
    resourceTemplates: [],
    prompts: [],
  };
  #texts: { [K in ListName]?: string } = {};
  #tools = new Map<string, ToolFacts>();
  #owners = new Map<string, S>();
  #templates: { readonly template: UriTemplate; readonly source: S }[] = [];

  constructor(sources: readonly S[], separator: string, pageSize: number, logger: Logger) {
    this.#sources = sources;
    this.#separator = separator;
    this.#pageSize = pageSize;
    this.#logger = logger;
  }

  /** Makes them anew of what the servers have. @returns The lists that read otherwise than before. */
  rebuild(): readonly ListName[] {
    this.#owners = new Map();
    this.#templates = [];
    this.#tools = new Map();
    const entries = MERGE_ORDER.map((name) => [name, this.#merge(name)] as const);
    this.#items = Object.fromEntries(entries) as { [K in ListName]: readonly Item[] };
    return LIST_NAMES.filter((name) => {
      const text = JSON.stringify(this.#items[name].map(({ definition }) => definition));
      const differs = (this.#texts[name] ?? '[]') !== text;
      this.#texts[name] = text;
      return differs;
    });
  }

  /** One page of a list. @throws {ProtocolError} when the cursor is none of it. */
  page(name: ListName, cursor: unknown, era: Era): Record<string, unknown> {
    const items = this.#items[name];
    const start = cursor === undefined ? 0 : placeAfter(items, readCursor(name, cursor));
    const page = items.slice(start, start + this.#pageSize);
    const last = page.at(-1);
    const hasMore = last !== undefined && start + this.#pageSize < items.length;
    const definitions = page.map(({ definition }) =>
      name === 'tools' && era === 'legacy' ? legacyTool(definition) : definition,
    );
    return {
      [name]: definitions,
      ...(hasMore ? { nextCursor: writeCursor(name, start + this.#pageSize - 1, last.key) } : {}),
      ...(era === 'modern' ? this.#hint(name) : {}),
    };
  }

  /** Whose a tool or prompt is, and what it is called there. */
  byName(name: unknown): { readonly source: S; readonly name: string } | undefined {
    if (typeof name !== 'string') return undefined;
    for (const source of this.#sources) {
      const before = source.prefix + this.#separator;
      if (name.startsWith(before) && name.length > before.length) return { source, name: name.slice(before.length) };
    }
    return undefined;
  }

  /** Who may know a resource, the likeliest first: whoever lists it or has a template for it; otherwise all that have any. */
  byUri(uri: string): readonly S[] {
    const owner = this.#owners.get(uri);
    if (owner !== undefined) return [owner];
    const fitting = this.#templates.filter(({ template }) => template.match(uri) !== null).map(({ source }) => source);
    if (fitting.length > 0) return [...new Set(fitting)];
    return this.#sources.filter(({ lists }) => {
      const { resources, resourceTemplates } = lists.current ?? {};
      return (resources?.items.length ?? 0) + (resourceTemplates?.items.length ?? 0) > 0;
    });
  }

  /** Whose a template is. */
  byTemplate(uriTemplate: unknown): S | undefined {
    return this.#templates.find(({ template }) => template.toString() === uriTemplate)?.source;
  }

  tool(name: unknown): ToolFacts | undefined {
    return typeof name === 'string' ? this.#tools.get(name) : undefined;
  }

  /** What disagrees between a call's headers and the arguments that its tool maps to headers, or nothing. */
  headerMismatch(
    params: Record<string, unknown> | undefined,
    headers: ReadonlyMap<string, string> | undefined,
  ): string | undefined {
    const mapped = this.tool(params?.['name'])?.headerParams;
    return mapped === undefined ? undefined : findHeaderMismatch(mapped, params?.['arguments'], headers);
  }

  #merge(name: ListName): readonly Item[] {
    const items = new Map<string, Item>();
    for (const source of this.#sources) {
      for (const given of source.lists.current?.[name].items ?? []) {
        const identity = given[KEYS[name]];
        if (typeof identity !== 'string') continue;
        const ownName = typeof given['name'] === 'string' ? given['name'] : identity;
        const ours = name === 'tools' ? this.#withOwnView(given, source) : given;
        const definition = { ...ours, name: `${source.prefix}${this.#separator}${ownName}` };
        const key = KEYS[name] === 'name' ? definition.name : identity;
        if (items.has(key)) this.#tellOnce(name, key, source);
        else {
          items.set(key, { key, definition });
          this.#remember(name, key, definition, source);
        }
      }
    }
    return [...items.values()];
  }

  /**
   * A tool may be shown by a view of its own server alone, which need not list it: its URI is this server's from now on, or,
   * if it is another one's, the tool goes without.
   */
  #withOwnView(tool: Record<string, unknown>, source: S): Record<string, unknown> {
    const uri = viewOf(tool);
    if (uri === undefined) return tool;
    const owner = this.#owners.get(uri) ?? source;
    this.#owners.set(uri, owner);
    if (owner === source) return tool;
    this.#tellOnce('views of tools', uri, source);
    return withoutView(tool);
  }

  #remember(name: ListName, key: string, definition: Record<string, unknown>, source: S): void {
    if (name === 'tools') {
      const { inputSchema, outputSchema } = definition;
      this.#tools.set(key, {
        headerParams: isObject(inputSchema) ? headerParamsOf(key, inputSchema) : undefined,
        wraps: isObject(outputSchema) && wrapsOutput(outputSchema),
      });
    } else if (name === 'resources') {
      this.#owners.set(key, source);
    } else if (name === 'resourceTemplates') {
      try {
        this.#templates.push({ template: new UriTemplate(key), source });
      } catch {
        this.#tellOnce('template that cannot be matched', key, source);
      }
    }
  }

  /** What all servers say together: as short and as private as the least of them, and nothing while one is missing. */
  #hint(name: ListName): Required<CacheHint> {
    const ttls = this.#sources.map(({ lists }) => lists.remainingMs(name));
    const ttlMs = Math.min(...ttls);
    const isPublic = this.#sources.every(({ lists }) => lists.current?.[name].scope === 'public');
    return { ttlMs: Number.isSafeInteger(ttlMs) ? ttlMs : 0, cacheScope: isPublic ? 'public' : 'private' };
  }

  #tellOnce(list: string, key: string, { name }: S): void {
    const id = `${list} ${name} ${key}`;
    if (this.#told.has(id) || this.#told.size > 1_000) return;
    this.#told.add(id);
    this.#logger.warn(
      { server: name, list, key: key.slice(0, 200) },
      'left out: another server has it, or it cannot be used',
    );
  }
}

/** A mapping that breaks the rules counts as none: its server would not take the call otherwise either. */
function headerParamsOf(tool: string, schema: Record<string, unknown>): readonly HeaderParam[] | undefined {
  try {
    return findHeaderParams(`tool "${tool}"`, schema);
  } catch {
    return undefined;
  }
}

interface Place {
  readonly index: number;
  readonly key: string;
}

function writeCursor(name: ListName, index: number, key: string): string {
  return Buffer.from(JSON.stringify([name, index, key]), 'utf8').toString('base64url');
}

/** @throws {ProtocolError} -32602 when the cursor is none of this list. */
function readCursor(name: ListName, cursor: unknown): Place {
  if (typeof cursor !== 'string') throw new ProtocolError(ErrorCode.InvalidParams, 'cursor must be a string');
  try {
    const [list, index, key] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[];
    if (list === name && Number.isSafeInteger(index) && (index as number) >= 0 && typeof key === 'string')
      return { index: index as number, key };
  } catch {
    // Not a cursor of ours: answered below.
  }
  throw new ProtocolError(ErrorCode.InvalidParams, 'Invalid cursor');
}

/** Where a list goes on: after the entry named, or where that stood if it is gone. */
function placeAfter(items: readonly Item[], { index, key }: Place): number {
  if (items[index]?.key === key) return index + 1;
  const found = items.findIndex((item) => item.key === key);
  return found === -1 ? index : found + 1;
}
