import { OptionError } from '../kernel/errors.ts';
import { objectOption } from '../kernel/options.ts';
import type { CacheHint, InputRequiredResult, ListResourcesResult, ReadResourceResult, Resource } from '../wire/wire.ts';
import type { CompleteCallback } from './completion.ts';
import type { ServerContext } from './context.ts';
import { checkConfig, checkHandler, checkName, definedOf, type EntryOwner, pick } from './entry.ts';
import { UriTemplate, type Variables } from './uri-template.ts';

/** What describes a resource, or a template of resources, to clients. */
export interface ResourceConfig extends Omit<Resource, 'uri' | 'name'> {
  /** How long, and for whom, clients may reuse what was read. @default the server's hint for `resources/read` */
  readonly cacheHint?: CacheHint | undefined;
}

type ReadAnswer = ReadResourceResult | InputRequiredResult;
export type ReadResourceHandler = (uri: URL, context: ServerContext) => ReadAnswer | Promise<ReadAnswer>;
export type ReadTemplateHandler = (uri: URL, variables: Variables, context: ServerContext) => ReadAnswer | Promise<ReadAnswer>;
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
    callbacks: { readonly list: ListResourcesHandler | undefined; readonly complete?: { readonly [variable: string]: CompleteCallback } },
  ) {
    this.uriTemplate = typeof template === 'string' ? new UriTemplate(template) : template;
    this.listCallback = callbacks.list;
    this.completions = new Map(Object.entries(callbacks.complete ?? {}));
  }

  /** The completion of one variable, if it has one. */
  completeCallback(variable: string): CompleteCallback | undefined {
    return this.completions.get(variable);
  }
}

/** Changes to a resource; absent members stay as they are. */
export interface ResourceUpdate<H, T> {
  readonly name?: string;
  readonly title?: string;
  /** The new URI, for a resource. */
  readonly uri?: string;
  /** The new template, for a family. */
  readonly template?: T;
  readonly metadata?: ResourceConfig;
  readonly callback?: H;
  readonly enabled?: boolean;
}

const CONFIG_KEYS = ['title', 'description', 'mimeType', 'size', 'annotations', 'icons', '_meta', 'cacheHint', 'scopeChallenge'] as const;
const LISTED_KEYS = ['title', 'description', 'mimeType', 'size', 'annotations', 'icons', '_meta'] as const;

/** A registered resource or family of resources, and the handle to change it. */
export class RegisteredResourceEntry<H extends ReadResourceHandler | ReadTemplateHandler, T extends string | ResourceTemplate> {
  #name: string;
  #target: T;
  #enabled = true;
  #config: ResourceConfig;
  #handler: H;
  #definition: Record<string, unknown>;
  readonly #owner: EntryOwner<RegisteredResourceEntry<H, T>>;

  constructor(name: string, target: T, config: ResourceConfig, handler: H, owner: EntryOwner<RegisteredResourceEntry<H, T>>) {
    this.#name = checkName('resource', name);
    checkHandler(`resource "${name}" handler`, handler);
    this.#target = target;
    this.#config = config;
    this.#handler = handler;
    this.#owner = owner;
    this.#definition = compileResource(name, target, config);
  }

  get name(): string {
    return this.#name;
  }
  /** The URI, or the template, that this entry serves. */
  get target(): T {
    return this.#target;
  }
  get resourceTemplate(): T {
    return this.#target;
  }
  get title(): string | undefined {
    return this.#config.title;
  }
  get metadata(): ResourceConfig {
    return this.#config;
  }
  get cacheHint(): CacheHint | undefined {
    return this.#config.cacheHint;
  }
  get readCallback(): H {
    return this.#handler;
  }
  get enabled(): boolean {
    return this.#enabled;
  }
  /** The entry as lists show it. */
  get definition(): Record<string, unknown> {
    return this.#definition;
  }

  enable(): void {
    this.update({ enabled: true });
  }

  disable(): void {
    this.update({ enabled: false });
  }

  /** Changes the entry at once and whole: when a member is not valid, nothing changes. @throws {OptionError} */
  update(updates: ResourceUpdate<H, T>): void {
    const { name, title, uri, template, metadata, callback, enabled } = updates;
    const config = { ...this.#config, ...metadata, ...definedOf({ title }) };
    const newName = name === undefined ? this.#name : checkName('resource', name);
    const target = (template ?? uri ?? this.#target) as T;
    const definition = compileResource(newName, target, config);
    if (callback !== undefined) checkHandler(`resource "${newName}" handler`, callback);
    const [from, to] = [keyOf(this.#name, this.#target), keyOf(newName, target)];
    if (from !== to) this.#owner.rename(this, from, to);
    this.#name = newName;
    this.#target = target;
    this.#config = config;
    this.#definition = definition;
    if (callback !== undefined) this.#handler = callback;
    if (enabled !== undefined) this.#enabled = enabled;
    this.#owner.changed();
  }

  remove(): void {
    this.#owner.remove(keyOf(this.#name, this.#target));
  }
}

export type RegisteredResource = RegisteredResourceEntry<ReadResourceHandler, string>;
export type RegisteredResourceTemplate = RegisteredResourceEntry<ReadTemplateHandler, ResourceTemplate>;

/** What makes an entry unique: a resource's URI, a family's name. */
export function keyOf(name: string, target: string | ResourceTemplate): string {
  return typeof target === 'string' ? target : name;
}

/** @throws {OptionError} when the URI or the description is not valid. */
function compileResource(name: string, target: string | ResourceTemplate, config: ResourceConfig): Record<string, unknown> {
  const option = `resource "${name}"`;
  checkConfig(option, config);
  objectOption(option, config, CONFIG_KEYS);
  if (typeof target === 'string' && !URL.canParse(target)) throw new OptionError(`${option} uri`, 'must be an absolute URI', target);
  const where = typeof target === 'string' ? { uri: target } : { uriTemplate: target.uriTemplate.toString() };
  return { name, ...where, ...pick(config, LISTED_KEYS) };
}
