import { booleanOption } from '../kernel/options.ts';
import {
  type GetPromptResult,
  type Icon,
  type InputRequiredResult,
  isObject,
  type JsonSchema,
  type PromptArgument,
} from '../wire/wire.ts';
import { type CompleteCallback, completionMap, completionOf } from './completion.ts';
import type { ServerContext } from './context.ts';
import { checkDefinition, checkJson } from './definition.ts';
import { definedOf, type EntryKind, type EntryOwner, pick, RegisteredEntry } from './entry.ts';
import { type AnySchema, type CompiledSchema, compileSchema, type InferSchema } from './schema.ts';
import { checkScopes } from './scopes.ts';

/** What describes a prompt to clients. */
export interface PromptConfig<A extends AnySchema | undefined = AnySchema | undefined> {
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  /** Without it the prompt takes no arguments and its handler gets the context alone. */
  readonly argsSchema?: A;
  /** Completion of arguments, for schema libraries in which a field cannot carry it by `completable`. */
  readonly complete?: { readonly [argument: string]: CompleteCallback } | undefined;
  readonly icons?: Icon[] | undefined;
  readonly _meta?: Record<string, unknown> | undefined;
  /** Says that it asks its clients something while it works: those of earlier revisions then get a session. @default false */
  readonly session?: boolean | undefined;
  /** What a client's token must grant. Needs `authorization` in the configuration. */
  readonly scopes?: readonly string[] | undefined;
}

type PromptAnswer = GetPromptResult | InputRequiredResult;

/** A prompt's handler: `(args, context)`, or `(context)` for a prompt without arguments. */
export type PromptHandler<A extends AnySchema | undefined> = A extends AnySchema
  ? (args: InferSchema<A>, context: ServerContext) => PromptAnswer | Promise<PromptAnswer>
  : (context: ServerContext) => PromptAnswer | Promise<PromptAnswer>;

/** Changes to a prompt; absent members stay as they are. */
export interface PromptUpdate extends PromptConfig {
  /** The new name; `null` removes the entry. */
  readonly name?: string | null;
  readonly callback?: PromptHandler<AnySchema> | PromptHandler<undefined>;
  readonly enabled?: boolean;
}

const CONFIG_KEYS = ['title', 'description', 'argsSchema', 'complete', 'icons', '_meta', 'session', 'scopes'] as const;

/** A prompt made ready. */
export interface CompiledPrompt {
  readonly args: CompiledSchema | undefined;
  readonly definition: Record<string, unknown>;
  readonly completions: ReadonlyMap<string, CompleteCallback>;
  /** Whether it asks its clients something. */
  readonly session: boolean;
  readonly scopes: readonly string[] | undefined;
}

type AnyPromptHandler = (...args: never[]) => PromptAnswer | Promise<PromptAnswer>;

/** A registered prompt, and the handle to change it. */
export class RegisteredPrompt extends RegisteredEntry<PromptConfig, AnyPromptHandler, CompiledPrompt> {
  constructor(name: string, config: PromptConfig, handler: AnyPromptHandler, owner: EntryOwner<RegisteredPrompt>) {
    super(PROMPT, name, config, handler, owner as EntryOwner<never>);
  }

  get title(): string | undefined {
    return this.config.title;
  }
  get description(): string | undefined {
    return this.config.description;
  }
  get argsSchema(): AnySchema | undefined {
    return this.config.argsSchema;
  }

  /** Calls the author's handler with checked arguments. */
  run(args: unknown, context: ServerContext): unknown {
    const { handler } = this as unknown as { handler: (...args: unknown[]) => unknown };
    return this.compiled.args === undefined ? handler(context) : handler(args, context);
  }

  /** Changes the prompt at once and whole: when a member is not valid, nothing changes. @throws {OptionError} */
  update(updates: PromptUpdate): void {
    const { name, callback, enabled, ...rest } = updates;
    this.apply({
      name,
      config: { ...this.config, ...definedOf(rest) },
      handler: callback as AnyPromptHandler | undefined,
      enabled,
    });
  }
}

/** @throws {OptionError} when the schema is not valid. */
function compilePrompt(name: string, config: PromptConfig): CompiledPrompt {
  const option = `prompt "${name}"`;
  checkDefinition(option, config, CONFIG_KEYS);
  const args =
    config.argsSchema === undefined ? undefined : compileSchema(`${option} argsSchema`, config.argsSchema, 'input');
  const completions = completionMap(
    `${option}.complete`,
    config.complete,
    args && Object.keys(args.json['properties'] ?? {}),
  );
  for (const [argument, field] of Object.entries(args?.fields ?? {})) {
    const complete = completionOf(field);
    if (complete !== undefined && !completions.has(argument)) completions.set(argument, complete);
  }
  const list = args === undefined ? {} : { arguments: toArguments(args.json) };
  const shown = { name, ...pick(config, ['title', 'description']), ...list, ...pick(config, ['icons', '_meta']) };
  checkJson(option, shown);
  const session = booleanOption(`${option}.session`, config.session, false);
  return { args, completions, definition: shown, session, scopes: checkScopes(option, config.scopes) };
}

function toArguments(schema: JsonSchema): PromptArgument[] {
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  return Object.entries(properties).map(([name, field]) => ({
    name,
    ...(isObject(field) ? (pick(field, ['title', 'description']) as { title?: string; description?: string }) : {}),
    required: required.includes(name),
  }));
}

const PROMPT: EntryKind<PromptConfig, CompiledPrompt> = {
  word: 'prompt',
  compile: compilePrompt,
  keyOf: (name) => name,
};
