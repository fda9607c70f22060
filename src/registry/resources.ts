import { OptionError } from '../kernel/errors.ts';
import { booleanOption, objectOption } from '../kernel/options.ts';
import {
  type CacheHint,
  checkCacheHint,
  type InputRequiredResult,
  type ListResourcesResult,
  type ReadResourceResult,
  type Resource,
  UriTemplate,
  type Variables,
} from '../wire/wire.ts';
import { type CacheRule, checkResourceCache, type ResourceCacheConfig } from './cache-rule.ts';
import { type CompleteCallback, completionMap } from './completion.ts';
import type { ServerContext } from './context.ts';
import { checkDefinition, checkJson } from './definition.ts';
import { definedOf, type EntryKind, type EntryOwner, pick, RegisteredEntry } from './entry.ts';
import { checkScopes } from './scopes.ts';

/** What describes a resource, or a template of resources, to clients. */
export interface ResourceConfig extends Omit<Resource, 'uri' | 'name'> {
  /** How long, and for whom, clients may reuse what was read. @default the server's hint for `resources/read` */
  readonly cacheHint?: CacheHint | undefined;
  /** Keeps what was read, and tells clients so; without it nothing is kept. */
  readonly cache?: ResourceCacheConfig | undefined;
  /** Says that it asks its clients something while it works: those of earlier revisions then get a session. @default false */
  readonly session?: boolean | undefined;
  /** What a client's token must grant to read it, and to hear of its changes. Needs `authorization` in the configuration. */
  readonly scopes?: readonly string[] | undefined;
}

type ReadAnswer = ReadResourceResult | InputRequiredResult;
export type ReadResourceHandler = (uri: URL, context: ServerContext) => ReadAnswer | Promise<ReadAnswer>;
export type ReadTemplateHandler = (
  uri: URL,
  variables: Variables,
  context: ServerContext,
) => ReadAnswer | Promise<ReadAnswer>;
export type ListResourcesHandler = (context: ServerContext) => ListResourcesResult | Promise<ListResourcesResult>;

/** A family of resources under one URI template (RFC 6570). */
export class ResourceTemplate {
  readonly uriTemplate: UriTemplate;
  readonly listCallback: ListResourcesHandler | undefined;
  readonly completions: ReadonlyMap<string, CompleteCallback>;

  /**
   * @param callbacks `list` names the family's resources in `resources/list`, and must be given even if `undefined`;
   * `complete` proposes values for single variables.
   * @throws {OptionError} when the template is not well-formed.
   */
  constructor(
    template: string | UriTemplate,
    callbacks: {
      readonly list: ListResourcesHandler | undefined;
      readonly complete?: { readonly [variable: string]: CompleteCallback };
    },
  ) {
    if (typeof template !== 'string' && !(template instanceof UriTemplate))
      throw new OptionError('uriTemplate', 'must be a text or a UriTemplate', template);
    const { list, complete } = objectOption('ResourceTemplate callbacks', callbacks ?? null, [
      'list',
      'complete',
    ]) as typeof callbacks;
    if (list !== undefined && typeof list !== 'function')
      throw new OptionError('ResourceTemplate list', 'must be a function or undefined', list);
    this.uriTemplate = typeof template === 'string' ? new UriTemplate(template) : template;
    this.listCallback = list;
    this.completions = completionMap('ResourceTemplate complete', complete, this.uriTemplate.variableNames);
  }

  /** The completion of one variable, if it has one. */
  completeCallback(variable: string): CompleteCallback | undefined {
    return this.completions.get(variable);
  }
}

/** Changes to a resource; absent members stay as they are. */
export interface ResourceUpdate<H, T> {
  /** The new name; `null` removes the entry. */
  readonly name?: string | null;
  readonly title?: string;
  /** The new URI, for a resource; `null` removes the entry. */
  readonly uri?: string | null;
  /** The new template, for a family. */
  readonly template?: T;
  readonly metadata?: ResourceConfig;
  readonly callback?: H;
  readonly enabled?: boolean;
}

const CONFIG_KEYS = [
  'title',
  'description',
  'mimeType',
  'size',
  'annotations',
  'icons',
  '_meta',
  'cacheHint',
  'cache',
  'session',
  'scopes',
] as const;
const LISTED_KEYS = ['title', 'description', 'mimeType', 'size', 'annotations', 'icons', '_meta'] as const;

type Target = string | ResourceTemplate;

interface Described<T extends Target> {
  readonly target: T;
  readonly metadata: ResourceConfig;
}

/** The entry as lists show it, and how what is read of it is kept. */
interface CompiledResource {
  readonly definition: Record<string, unknown>;
  readonly cache: CacheRule | undefined;
  /** Whether reading asks clients something. */
  readonly session: boolean;
  readonly scopes: readonly string[] | undefined;
}

/** A registered resource or family of resources, and the handle to change it. */
export class RegisteredResourceEntry<
  H extends ReadResourceHandler | ReadTemplateHandler,
  T extends Target,
> extends RegisteredEntry<Described<T>, H, CompiledResource> {
  constructor(
    name: string,
    target: T,
    metadata: ResourceConfig,
    handler: H,
    owner: EntryOwner<RegisteredResourceEntry<H, T>>,
  ) {
    super(
      typeof target === 'string' ? RESOURCE : TEMPLATE,
      name,
      { target, metadata },
      handler,
      owner as EntryOwner<never>,
    );
  }

  /** The URI, or the template, that this entry serves. */
  get target(): T {
    return this.config.target;
  }
  get resourceTemplate(): T {
    return this.config.target;
  }
  get title(): string | undefined {
    return this.config.metadata.title;
  }
  get metadata(): ResourceConfig {
    return this.config.metadata;
  }
  get cacheHint(): CacheHint | undefined {
    return this.config.metadata.cacheHint;
  }
  get readCallback(): H {
    return this.handler;
  }

  /** Changes the entry at once and whole: when a member is not valid, nothing changes. @throws {OptionError} */
  update(updates: ResourceUpdate<H, T>): void {
    const { name, title, uri, template, metadata, callback, enabled } = updates;
    const { config } = this;
    const next = {
      target: (uri ?? template ?? config.target) as T,
      metadata: { ...config.metadata, ...metadata, ...definedOf({ title }) },
    };
    if (typeof next.target !== typeof config.target) {
      throw new OptionError(
        `resource "${this.name}"`,
        `must keep being ${typeof config.target === 'string' ? 'one resource' : 'a family'}`,
        next.target,
      );
    }
    this.apply({ name: uri === null ? null : name, config: next, handler: callback, enabled });
  }
}

export type RegisteredResource = RegisteredResourceEntry<ReadResourceHandler, string>;
export type RegisteredResourceTemplate = RegisteredResourceEntry<ReadTemplateHandler, ResourceTemplate>;

const RESOURCE: EntryKind<Described<never>, CompiledResource> = {
  word: 'resource',
  compile: compileResource,
  keyOf: (_name, { target }) => target,
};
const TEMPLATE: EntryKind<Described<never>, CompiledResource> = {
  word: 'resource template',
  compile: compileResource,
  keyOf: (name) => name,
};

/** @throws {OptionError} when the URI or the description is not valid. */
function compileResource(name: string, { target, metadata }: Described<Target>): CompiledResource {
  const option = `resource "${name}"`;
  checkDefinition(option, metadata, CONFIG_KEYS);
  const { cacheHint } = metadata;
  if (cacheHint !== undefined) checkCacheHint(`${option} cacheHint`, cacheHint);
  if (typeof target === 'string' ? !URL.canParse(target) : !(target instanceof ResourceTemplate)) {
    throw new OptionError(`${option} uri`, 'must be an absolute URI or a ResourceTemplate', target);
  }
  const where = typeof target === 'string' ? { uri: target } : { uriTemplate: target.uriTemplate.toString() };
  const shown = { name, ...where, ...pick(metadata, LISTED_KEYS) };
  checkJson(option, shown);
  const session = booleanOption(`${option}.session`, metadata.session, false);
  const cache = checkResourceCache(option, metadata.cache);
  return { definition: shown, cache, session, scopes: checkScopes(option, metadata.scopes) };
}
