/** The contract of `dispatch/`: from a method and its parameters to the text of a result. */
import type { Cache } from '../cache/cache.ts';
import type { Clock } from '../kernel/clock.ts';
import { type OverloadGuard, type ResolvedOverload, resolveOverload, type TurnQueue } from '../limit/limit.ts';
import type { Registry } from '../registry/registry.ts';
import type { EngineSignals, ShedClass } from '../signal/signal.ts';
import {
  type CacheHint,
  type Era,
  findHeaderMismatch,
  type Implementation,
  MODERN_VERSIONS,
  type ServerCapabilities,
} from '../wire/wire.ts';
import { Admission, type LimitStatistics } from './admission.ts';
import { AnswerCache } from './answer-cache.ts';
import type { MethodHandler, Params } from './call.ts';
import { createCompleter } from './completion.ts';
import { extensionsOf } from './extensions.ts';
import { type ListName, Lists } from './lists.ts';
import { createPromptGetter } from './prompts.ts';
import { createResourceReader } from './resources.ts';
import { ResultWriter } from './result-writer.ts';
import { type RoundOptions, Rounds } from './rounds.ts';
import { neededScopes } from './scopes.ts';
import { TaskCalls, type TaskCallsParts } from './task-calls.ts';
import { type DispatchParts, ToolCaller, type ToolExecutor } from './tools.ts';

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
} from '../registry/registry.ts';
export type { LimitStatistics } from './admission.ts';
export { RESOURCE_LIST_TAG, resourceTag } from './answer-cache.ts';
export type { Answer, Call, LegacyRound, MethodHandler, Params, ReadyAnswer } from './call.ts';
export type { ListName } from './lists.ts';
export { InternalFault, Refusal, toProtocolError } from './result-writer.ts';
export type { ToolExecutor } from './tools.ts';
export { type RunTraced, traced } from './traced.ts';

/** The results that clients may cache, by method. */
export type CacheableMethod =
  | 'server/discover'
  | 'tools/list'
  | 'resources/list'
  | 'resources/templates/list'
  | 'prompts/list'
  | 'resources/read';

/** What a server's dispatch is made of. */
export interface DispatchOptions {
  readonly registry: Registry;
  readonly signals: EngineSignals;
  readonly clock: Clock;
  readonly serverInfo: Implementation;
  readonly instructions: string | undefined;
  readonly pageSize: number;
  readonly maxUriLength: number;
  readonly rounds: RoundOptions;
  readonly cacheHints: { readonly [M in CacheableMethod]: Required<CacheHint> };
  readonly cache: Cache;
  readonly executeTool?: ToolExecutor;
  /** How calls that become tasks are kept. */
  readonly tasks: Pick<TaskCallsParts, 'store' | 'messages' | 'options'>;
  /** @default that of a server without configuration */
  readonly overload?: ResolvedOverload;
}

/** The methods of both eras, each with its handler. Built once for a server. */
export class Dispatcher {
  readonly #options: DispatchOptions;
  readonly #writer: ResultWriter;
  readonly #tools: ToolCaller;
  readonly #admission: Admission;
  /** Serves `server/discover`. */
  readonly discover: MethodHandler;
  readonly #shared: ReadonlyMap<string, { readonly handler: MethodHandler; readonly served: () => boolean }>;
  readonly #taskMethods: ReadonlyMap<string, MethodHandler>;
  /** The calls that are answered later. */
  readonly tasks: TaskCalls;

  constructor(options: DispatchOptions) {
    const { registry, signals, clock, cacheHints: hints } = options;
    this.#options = options;
    const writer = new ResultWriter(options.serverInfo);
    this.#writer = writer;
    const { overload = resolveOverload(undefined) } = options;
    const admission = new Admission({ overload, clock, signal: signals.limit });
    this.#admission = admission;
    this.discover = admission.guarded('health', 'server/discover', this.#discover);
    this.tasks = new TaskCalls({
      ...{ ...options.tasks, server: options.serverInfo.name, registry, writer, signals, clock },
      tool: {
        admit: (tool, call) => admission.enterTool(tool, call),
        enterAgain: (tool, params, call, ticket) => this.#tools.enterAgain(tool, params, call, ticket),
      },
    });
    const parts: DispatchParts = {
      admission,
      tasks: this.tasks,
      registry,
      writer,
      signals,
      rounds: new Rounds(options.rounds, clock, writer),
      answers: new AnswerCache(options.cache, options.serverInfo.version, signals.fault),
    };
    const listHints: { [K in ListName]: Required<CacheHint> } = {
      tools: hints['tools/list'],
      resources: hints['resources/list'],
      resourceTemplates: hints['resources/templates/list'],
      prompts: hints['prompts/list'],
    };
    this.#tools = new ToolCaller(parts, options.executeTool);
    const lists = new Lists({ ...parts, pageSize: options.pageSize, hints: listHints });
    const served = (kind: 'tools' | 'resources' | 'prompts') => () => registry.serves(kind);
    const read = createResourceReader(parts, { maxUriLength: options.maxUriLength, hint: hints['resources/read'] });
    const behind = (shedClass: ShedClass, method: string, handler: MethodHandler, serves: () => boolean) =>
      [method, { handler: admission.guarded(shedClass, method, handler), served: serves }] as const;
    this.#shared = new Map([
      ['tools/call', { handler: this.#tools.call, served: served('tools') }],
      behind('list', 'tools/list', lists.handler('tools'), served('tools')),
      behind('tool', 'resources/read', read, served('resources')),
      behind('list', 'resources/list', lists.handler('resources'), served('resources')),
      behind('list', 'resources/templates/list', lists.handler('resourceTemplates'), served('resources')),
      behind('tool', 'prompts/get', createPromptGetter(parts), served('prompts')),
      behind('list', 'prompts/list', lists.handler('prompts'), served('prompts')),
      behind(
        'list',
        'completion/complete',
        createCompleter(parts),
        () => registry.serves('prompts') || registry.serves('resources'),
      ),
    ]);
    this.#taskMethods = new Map([
      ['tasks/get', admission.guarded('tool', 'tasks/get', this.tasks.get)],
      ['tasks/update', admission.guarded('tool', 'tasks/update', this.tasks.update)],
      ['tasks/cancel', admission.guarded('essential', 'tasks/cancel', this.tasks.cancel)],
    ]);
  }

  /** Where requests wait while the event loop is late. */
  get turns(): TurnQueue {
    return this.#admission.guard.turns;
  }

  get writer(): ResultWriter {
    return this.#writer;
  }

  /** The handler of a method that both eras have, while the server has something to answer it with. */
  find(method: string): MethodHandler | undefined {
    const entry = this.#shared.get(method);
    return entry?.served() ? entry.handler : undefined;
  }

  /** The handler of a method that only the modern era has. */
  findModern(method: string): MethodHandler | undefined {
    if (method === 'server/discover') return this.discover;
    return this.find(method) ?? (this.runsTasks ? this.#taskMethods.get(method) : undefined);
  }

  /** The kept answer of a tool, to arguments as a client wrote them before; nothing where that is not sure. */
  peekTool(name: string, era: Era, principal: string | undefined, written: string): string | undefined {
    return this.#tools.peek(name, era, principal, written);
  }

  /** Whether there are tasks that clients may ask for. */
  get runsTasks(): boolean {
    return this.#options.registry.runsTasks;
  }

  /** The scopes that a request needs by what it is about. */
  neededScopes(method: string, params: Params): readonly string[] {
    return neededScopes(this.#options.registry, method, params, this.#options.maxUriLength);
  }

  /** Lets a stream of changes begin. @throws {Refusal} -32010 while there is too much to do. */
  admitStream(method: string): void {
    this.#admission.enter('list', method);
    this.#admission.guard.release(); // Streams are bounded by their own number.
  }

  /** What lets requests in. */
  get guard(): OverloadGuard {
    return this.#admission.guard;
  }

  /** What was let in and what was refused. */
  limitStatistics(): LimitStatistics {
    return this.#admission.statistics(this.#options.registry.tools.values());
  }

  /** Ends what would go on by itself. */
  close(): void {
    this.#admission.close();
  }

  /** Whether anything registered says that it asks its clients something. */
  get asks(): boolean {
    return this.#options.registry.asks;
  }

  /** What the server can do now, by what is registered. @param subscribe Whether a client can watch resources. */
  capabilities(subscribe = true): ServerCapabilities {
    const { registry } = this.#options;
    return {
      ...(registry.serves('tools') ? { tools: { listChanged: true } } : {}),
      ...(registry.serves('resources')
        ? { resources: { ...(subscribe ? { subscribe } : {}), listChanged: true } }
        : {}),
      ...(registry.serves('prompts') ? { prompts: { listChanged: true } } : {}),
      ...(registry.completes ? { completions: {} } : {}),
      logging: {},
      ...extensionsOf(registry, 'legacy'),
    };
  }

  readonly #discover: MethodHandler = (_params, call) => {
    const { instructions, cacheHints, registry } = this.#options;
    const result = {
      supportedVersions: MODERN_VERSIONS,
      capabilities: { ...this.capabilities(), ...extensionsOf(registry, 'modern') },
      ...(instructions === undefined ? {} : { instructions }),
    };
    return this.#writer.cacheable(result, cacheHints['server/discover'], call);
  };

  /** The answer to `initialize`. @param subscribe Whether the client can watch resources. */
  initialize(version: string, subscribe: boolean): Record<string, unknown> {
    const { serverInfo, instructions } = this.#options;
    return {
      protocolVersion: version,
      capabilities: this.capabilities(subscribe),
      serverInfo,
      ...(instructions === undefined ? {} : { instructions }),
    };
  }

  /** What disagrees between the headers of a `tools/call` and the arguments that the tool maps to headers, or nothing. */
  headerMismatch(params: Params, headers: ReadonlyMap<string, string> | undefined): string | undefined {
    const name = params?.['name'];
    const mapped = typeof name === 'string' ? this.#options.registry.tools.get(name)?.compiled.headerParams : undefined;
    return mapped === undefined ? undefined : findHeaderMismatch(mapped, params?.['arguments'], headers);
  }
}
