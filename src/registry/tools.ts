import { OptionError } from '../kernel/errors.ts';
import { booleanOption } from '../kernel/options.ts';
import {
  type CallToolResult,
  findHeaderParams,
  type HeaderParam,
  type Icon,
  type InputRequiredResult,
  type JsonSchema,
  legacyOutputSchema,
  type ToolAnnotations,
  wrapsOutput,
} from '../wire/wire.ts';
import { type CacheRule, checkToolCache, type ToolCacheConfig } from './cache-rule.ts';
import type { ServerContext } from './context.ts';
import { checkDefinition, checkJson } from './definition.ts';
import { definedOf, type EntryKind, type EntryOwner, pick, RegisteredEntry } from './entry.ts';
import { type AnySchema, type CompiledSchema, compileSchema, type InferSchema } from './schema.ts';
import { checkScopes } from './scopes.ts';
import { checkToolLimits, type ResolvedToolLimits, type ToolLimits } from './tool-limits.ts';
import { checkToolTask, type ResolvedToolTask, type ToolTaskOptions } from './tool-task.ts';

/** What describes a tool to clients, and what its arguments and results must be. */
export interface ToolConfig<
  I extends AnySchema | undefined = AnySchema | undefined,
  O extends AnySchema | undefined = AnySchema | undefined,
> {
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  /** Without it the tool takes no arguments and its handler gets the context alone. */
  readonly inputSchema?: I;
  /** With it every result that is no error must carry `structuredContent` that fits. */
  readonly outputSchema?: O;
  readonly annotations?: ToolAnnotations | undefined;
  readonly icons?: Icon[] | undefined;
  readonly _meta?: Record<string, unknown> | undefined;
  /** Keeps the tool's answers; without it none is kept. */
  readonly cache?: ToolCacheConfig<I extends AnySchema ? InferSchema<I> : Record<string, unknown>> | undefined;
  /** How much of it is done at once. Kept answers are not limited. */
  readonly limits?: ToolLimits | undefined;
  /** What a client's token must grant. Needs `authorization` in the configuration. */
  readonly scopes?: readonly string[] | undefined;
  /** Whether its calls become tasks, for clients that can follow them: a handle is answered, the result asked for later. @default false */
  readonly task?: boolean | 'required' | ToolTaskOptions | undefined;
  /** Says that it asks its clients something while it works: those of earlier revisions then get a session. @default false */
  readonly session?: boolean | undefined;
}

type ToolAnswer = CallToolResult | InputRequiredResult;

/** A tool's handler: `(args, context)`, or `(context)` for a tool without an input schema. */
export type ToolHandler<I extends AnySchema | undefined> = I extends AnySchema
  ? (args: InferSchema<I>, context: ServerContext) => ToolAnswer | Promise<ToolAnswer>
  : (context: ServerContext) => ToolAnswer | Promise<ToolAnswer>;

/** Changes to a tool; absent members stay as they are. */
export interface ToolUpdate extends Omit<ToolConfig, 'inputSchema' | 'cache'> {
  // biome-ignore lint/suspicious/noExplicitAny: the arguments are those of the new schema, which is not known here
  readonly cache?: ToolCacheConfig<any>;
  /** The new name; `null` removes the entry. */
  readonly name?: string | null;
  /** The new input schema. */
  readonly paramsSchema?: AnySchema;
  readonly callback?: ToolHandler<AnySchema> | ToolHandler<undefined>;
  readonly enabled?: boolean;
}

const CONFIG_KEYS = [
  'title',
  'description',
  'inputSchema',
  'outputSchema',
  'annotations',
  'icons',
  '_meta',
  'cache',
  'limits',
  'scopes',
  'task',
  'session',
] as const;
const NO_ARGUMENTS: JsonSchema = Object.freeze({ type: 'object' });

/** A tool made ready: nothing of this is worked out again for a call. */
export interface CompiledTool {
  readonly input: CompiledSchema | undefined;
  readonly output: CompiledSchema | undefined;
  readonly headerParams: readonly HeaderParam[] | undefined;
  /** How its answers are kept; nothing where they are not. */
  readonly cache: CacheRule | undefined;
  /** How much of it is done at once; nothing without limits of its own, unless its calls become tasks. */
  readonly limits: ResolvedToolLimits | undefined;
  readonly scopes: readonly string[] | undefined;
  /** How its calls become tasks; nothing where they do not. */
  readonly task: ResolvedToolTask | undefined;
  /** Whether it asks its clients something. */
  readonly session: boolean;
  /** Whether legacy revisions get the structured output wrapped. */
  readonly wrapsLegacyOutput: boolean;
  readonly definition: Record<string, unknown>;
  readonly legacyDefinition: Record<string, unknown>;
}

type AnyToolHandler = (...args: never[]) => ToolAnswer | Promise<ToolAnswer>;

/** A registered tool, and the handle to change it. */
export class RegisteredTool extends RegisteredEntry<ToolConfig, AnyToolHandler, CompiledTool> {
  constructor(name: string, config: ToolConfig, handler: AnyToolHandler, owner: EntryOwner<RegisteredTool>) {
    super(TOOL, name, config, handler, owner as EntryOwner<never>);
  }

  get title(): string | undefined {
    return this.config.title;
  }
  get description(): string | undefined {
    return this.config.description;
  }
  get inputSchema(): AnySchema | undefined {
    return this.config.inputSchema;
  }
  get outputSchema(): AnySchema | undefined {
    return this.config.outputSchema;
  }
  get annotations(): ToolAnnotations | undefined {
    return this.config.annotations;
  }
  get icons(): Icon[] | undefined {
    return this.config.icons;
  }
  get _meta(): Record<string, unknown> | undefined {
    return this.config._meta;
  }

  /** Calls the author's handler with checked arguments. */
  run(args: unknown, context: ServerContext): unknown {
    const { handler } = this as unknown as { handler: (...args: unknown[]) => unknown };
    return this.compiled.input === undefined ? handler(context) : handler(args, context);
  }

  /** Changes the tool at once and whole: when a member is not valid, nothing changes. @throws {OptionError} */
  update(updates: ToolUpdate): void {
    const { name, paramsSchema, callback, enabled, ...rest } = updates;
    const config = {
      ...this.config,
      ...definedOf(rest),
      ...(paramsSchema === undefined ? {} : { inputSchema: paramsSchema }),
    };
    this.apply({ name, config, handler: callback as AnyToolHandler | undefined, enabled });
  }
}

/** @throws {OptionError} when a schema or a mapping is not valid. */
function compileTool(name: string, config: ToolConfig): CompiledTool {
  const option = `tool "${name}"`;
  checkDefinition(option, config, CONFIG_KEYS);
  const input =
    config.inputSchema === undefined ? undefined : compileSchema(`${option} inputSchema`, config.inputSchema, 'input');
  const output =
    config.outputSchema === undefined
      ? undefined
      : compileSchema(`${option} outputSchema`, config.outputSchema, 'output');
  const inputJson = input === undefined ? NO_ARGUMENTS : objectRoot(`${option} inputSchema`, input.json);
  const head = { name, ...pick(config, ['title', 'description', 'icons']), inputSchema: inputJson };
  const tail = pick(config, ['annotations', '_meta']);
  const definition = { ...head, ...(output === undefined ? {} : { outputSchema: output.json }), ...tail };
  checkJson(option, definition);
  const task = checkToolTask(option, config);
  return {
    input,
    output,
    cache: checkToolCache(option, config.cache, config.annotations),
    scopes: checkScopes(option, config.scopes),
    // Calls that may become tasks come in by the way of those that are limited; the others' way knows nothing of tasks.
    limits: checkToolLimits(option, config.limits ?? (task && {})),
    task,
    session: booleanOption(`${option}.session`, config.session, false),
    headerParams: findHeaderParams(`${option} inputSchema`, inputJson),
    wrapsLegacyOutput: wrapsOutput(output?.json),
    definition,
    legacyDefinition: {
      ...head,
      ...(output === undefined ? {} : { outputSchema: legacyOutputSchema(output.json) }),
      ...tail,
    },
  };
}

/** Arguments are always an object, and the wire wants that said at the root. */
function objectRoot(option: string, schema: JsonSchema): JsonSchema {
  if (schema['type'] === undefined) return { ...schema, type: 'object' };
  if (schema['type'] !== 'object') throw new OptionError(option, 'must describe an object', schema['type']);
  return schema;
}

const TOOL: EntryKind<ToolConfig, CompiledTool> = { word: 'tool', compile: compileTool, keyOf: (name) => name };
