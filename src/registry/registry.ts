/** The contract of `registry/`: tools, resources and prompts as their authors define them, made ready once. */
import { OptionError } from '../kernel/errors.ts';
import { Signal } from '../signal/signal.ts';
import { VIEW_SCHEME } from '../wire/wire.ts';
import type { EntryOwner } from './entry.ts';
import { type PromptConfig, type PromptHandler, RegisteredPrompt } from './prompts.ts';
import {
  type ReadResourceHandler,
  type ReadTemplateHandler,
  type RegisteredResource,
  RegisteredResourceEntry,
  type RegisteredResourceTemplate,
  type ResourceConfig,
  type ResourceTemplate,
} from './resources.ts';
import type { AnySchema } from './schema.ts';
import { RegisteredTool, type ToolConfig, type ToolHandler } from './tools.ts';

export { UriTemplate, type Variables } from '../wire/wire.ts';
export { type CacheRule, type ResourceCacheConfig, type ToolCacheConfig, tagsOf } from './cache-rule.ts';
export { type CompleteCallback, completable } from './completion.ts';
export type {
  CreateMessageResult,
  ElicitResult,
  HttpContext,
  McpRequest,
  OutgoingNotification,
  OutgoingRequest,
  ResultSchema,
  SendOptions,
  ServerContext,
  TaskHandle,
} from './context.ts';
export {
  acceptedContent,
  type ElicitParams,
  type InputRequiredSpec,
  type InputResponseView,
  inputRequired,
  inputResponse,
} from './input-required.ts';
export { type PromptConfig, type PromptHandler, type PromptUpdate, RegisteredPrompt } from './prompts.ts';
export {
  type ListResourcesHandler,
  type ReadResourceHandler,
  type ReadTemplateHandler,
  type RegisteredResource,
  type RegisteredResourceTemplate,
  type ResourceConfig,
  ResourceTemplate,
  type ResourceUpdate,
} from './resources.ts';
export type { AnySchema, Checked, InferSchema, RawShape } from './schema.ts';
export type { ResolvedToolLimits, ToolLimits } from './tool-limits.ts';
export {
  blocksEventLoop,
  type ObservedCalls,
  type PlacementParts,
  placeTool,
  type ToolPlacement,
} from './tool-placement.ts';
export type { ResolvedToolTask, ToolTaskOptions } from './tool-task.ts';
export { RegisteredTool, type ToolConfig, type ToolHandler, type ToolUpdate } from './tools.ts';

/** The kinds of list that can change. */
export type ListKind = 'tools' | 'resources' | 'prompts';

/** All that a server offers. Entries keep the order in which they were registered. */
export class Registry {
  readonly tools = new Map<string, RegisteredTool>();
  /** Resources by URI. */
  readonly resources = new Map<string, RegisteredResource>();
  /** Families of resources by name. */
  readonly templates = new Map<string, RegisteredResourceTemplate>();
  readonly prompts = new Map<string, RegisteredPrompt>();
  /** Told after every change of a list. */
  readonly changed = new Signal<ListKind>();
  /** Whether somebody checks what a client's token grants: without that no entry may need scopes. */
  checksScopes = false;
  readonly #everHad = new Set<ListKind>();
  #nextOrder = 1;
  #changes = 0;
  #hadTasks = false;

  /** Whether the server has, or once had, entries of a kind: then it answers for that kind. */
  serves(kind: ListKind): boolean {
    return this.#everHad.has(kind);
  }

  /** Whether calls of a tool become tasks, or once did: then the server answers for tasks. */
  get runsTasks(): boolean {
    return this.#hadTasks;
  }

  /** Whether anything registered says that it asks its clients something. */
  get asks(): boolean {
    for (const entries of [this.tools, this.resources, this.templates, this.prompts])
      for (const { compiled } of entries.values()) if (compiled.session) return true;
    return false;
  }

  /** Whether any argument of a prompt or a template completes. */
  get completes(): boolean {
    for (const prompt of this.prompts.values()) if (prompt.compiled.completions.size > 0) return true;
    for (const template of this.templates.values()) if (template.target.completions.size > 0) return true;
    return false;
  }

  /** All scopes that some entry needs, in the order of registration. */
  scopes(): ReadonlySet<string> {
    const all = [this.tools, this.resources, this.templates, this.prompts].flatMap((entries) => [...entries.values()]);
    return new Set(all.sort((a, b) => a.order - b.order).flatMap(({ compiled }) => compiled.scopes ?? []));
  }

  /** Whether the server has views, as MCP Apps has them. */
  get hasViews(): boolean {
    for (const uri of this.resources.keys()) if (uri.startsWith(VIEW_SCHEME)) return true;
    for (const { target } of this.templates.values())
      if (target.uriTemplate.toString().startsWith(VIEW_SCHEME)) return true;
    return false;
  }

  /** @throws {OptionError} when the name is taken or the definition is not valid. */
  registerTool<I extends AnySchema | undefined>(
    name: string,
    config: ToolConfig<I>,
    handler: ToolHandler<I>,
  ): RegisteredTool {
    const owner = this.#owner('tools', 'tool', this.tools);
    const changed = (): void => {
      this.#hadTasks ||= tool.compiled.task !== undefined;
      owner.changed();
    };
    const tool: RegisteredTool = new RegisteredTool(name, config as never, handler as never, { ...owner, changed });
    this.#hadTasks ||= tool.compiled.task !== undefined;
    return this.#add('tools', 'tool', this.tools, tool);
  }

  /** @throws {OptionError} when the name is taken or the definition is not valid. */
  registerPrompt<A extends AnySchema | undefined>(
    name: string,
    config: PromptConfig<A>,
    handler: PromptHandler<A>,
  ): RegisteredPrompt {
    const prompt = new RegisteredPrompt(name, config, handler as never, this.#owner('prompts', 'prompt', this.prompts));
    return this.#add('prompts', 'prompt', this.prompts, prompt);
  }

  /** @throws {OptionError} when the URI or name is taken or the definition is not valid. */
  registerResource(
    name: string,
    target: string | ResourceTemplate,
    config: ResourceConfig,
    handler: ReadResourceHandler | ReadTemplateHandler,
  ): RegisteredResource | RegisteredResourceTemplate {
    if (typeof target === 'string') {
      const owner = this.#owner('resources', 'resource', this.resources);
      const resource: RegisteredResource = new RegisteredResourceEntry(
        name,
        target,
        config,
        handler as ReadResourceHandler,
        owner,
      );
      return this.#add('resources', 'resource', this.resources, resource);
    }
    const owner = this.#owner('resources', 'resource template', this.templates);
    const template: RegisteredResourceTemplate = new RegisteredResourceEntry(
      name,
      target,
      config,
      handler as ReadTemplateHandler,
      owner,
    );
    return this.#add('resources', 'resource template', this.templates, template);
  }

  #add<E extends { readonly key: string }>(kind: ListKind, word: string, entries: Map<string, E>, entry: E): E {
    checkFree(word, entries, entry.key);
    entries.set(entry.key, entry);
    this.#everHad.add(kind);
    this.changed.emit(kind);
    return entry;
  }

  #owner<E>(kind: ListKind, word: string, entries: Map<string, E>): EntryOwner<E> {
    return {
      nextOrder: () => this.#nextOrder++,
      changes: () => this.#changes,
      countChange: () => ++this.#changes,
      check: (option, compiled) => {
        const { scopes } = compiled as { readonly scopes: readonly string[] | undefined };
        if (scopes !== undefined && !this.checksScopes)
          throw new OptionError(`${option}.scopes`, 'needs "authorization" in the configuration', scopes);
      },
      changed: () => this.changed.emit(kind),
      rekey: (entry, from, to) => {
        checkFree(word, entries, to);
        if (entries.get(from) === entry) entries.delete(from);
        entries.set(to, entry);
      },
      remove: (entry, key) => {
        if (entries.get(key) !== entry || !entries.delete(key)) return;
        this.#changes++;
        this.changed.emit(kind);
      },
    };
  }
}

function checkFree(word: string, entries: ReadonlyMap<string, unknown>, key: string): void {
  if (entries.has(key)) throw new OptionError(`${word} "${key}"`, 'must be registered once', key);
}
