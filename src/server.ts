import { EventEmitter } from 'node:events';
import { ApplicationCache, type Cache, loadCacheDriver } from './cache/cache.ts';
import { RESOURCE_LIST_TAG, resourceTag, type ToolExecutor } from './dispatch/dispatch.ts';
import { PeregrineError } from './kernel/errors.ts';
import { onTermination } from './kernel/process-signals.ts';
import { RequestScopes } from './kernel/request-scope.ts';
import { checkNodeVersion } from './kernel/runtime.ts';
import type { CustomMetricOptions } from './monitor/monitor.ts';
import type { PerformanceOptimizer } from './optimizer/optimizer.ts';
import {
  type DatabaseQueryOptions,
  HttpPool,
  RequestDatabases,
  type SqlParameter,
  type SqlPool,
  type SqlRow,
} from './pool/pool.ts';
import { type ChangeBus, createChangePublisher, type Protocol } from './protocol/protocol.ts';
import {
  type AnySchema,
  blocksEventLoop,
  type ObservedCalls,
  type PromptConfig,
  type PromptHandler,
  placeTool,
  type ReadResourceHandler,
  type ReadTemplateHandler,
  type RegisteredPrompt,
  type RegisteredResource,
  type RegisteredResourceTemplate,
  type RegisteredTool,
  Registry,
  type ResourceConfig,
  type ResourceTemplate,
  type ServerContext,
  type ToolConfig,
  type ToolHandler,
  type ToolPlacement,
} from './registry/registry.ts';
import type { CpuTaskOptions, ServerEvents, ServerMetrics, StartedServer } from './server-api.ts';
import { ServerBreakers } from './server-breakers.ts';
import { type OptimizedServerConfig, type ResolvedServerConfig, resolveServerConfig } from './server-config.ts';
import { ServerInstance } from './server-instance.ts';
import type { ServerMonitor } from './server-monitor.ts';
import { createOptimizer } from './server-optimizer.ts';
import {
  createCache,
  createDispatcher,
  createEndpoint,
  createExecutor,
  createFetch,
  createMonitor,
  createProtocol,
  createStdio,
  drainServer,
  measureOperation,
  runDetached,
} from './server-parts.ts';
import { createState, type ServerState } from './server-state.ts';
import { createEngineSignals, type EngineSignals } from './signal/signal.ts';
import {
  connectMemory,
  type FetchHandler,
  type HttpEndpoint,
  type MemoryClient,
  type StdioEndpoint,
} from './transport/transport.ts';
import type { CallToolResult, InputRequiredResult } from './wire/wire.ts';
import { RequestTasks, type TaskOptions } from './worker/worker.ts';

/**
 * The base of a server: extend it, register what it offers in {@link setup}, and create it by {@link createOptimizedServer}.
 *
 * Registration may go on while the server runs: clients that listen are told.
 */
export abstract class OptimizedMCPServer extends EventEmitter<ServerEvents> {
  readonly config: OptimizedServerConfig;
  /** The engine's own events. Listening costs a little for each request; not listening costs nothing. */
  readonly signals: EngineSignals = createEngineSignals();
  /** Keeps values of the author's own, and invalidates these and the answers of tools and resources. */
  readonly cache: ApplicationCache;
  /** Calls other servers over kept-alive connections; `http.fetch` is used like the web's, `http.guarded` for untrusted URLs. */
  readonly http: HttpPool;
  /** Metrics, health, and where both are served. */
  readonly monitor: ServerMonitor;
  /** What was derived from the machine, and what is tuned while the server runs; values of the author's own can be added. */
  readonly optimizer: PerformanceOptimizer;
  readonly #settings: ResolvedServerConfig;
  readonly #cache: Cache;
  readonly #registry = new Registry();
  readonly #bus: ChangeBus;
  readonly #instance: ServerInstance;
  readonly #state: ServerState;
  readonly #protocol: Protocol;
  readonly #databases: RequestDatabases;
  readonly #scopes: RequestScopes;
  readonly #tasks: RequestTasks;
  #endpoint: HttpEndpoint | undefined;
  #stdio: StdioEndpoint | undefined;
  #started = false;
  #ready: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #forgetSignals: (() => void) | undefined;
  #fetch: FetchHandler | undefined;

  /** @throws {OptionError} when an option is unknown or not valid. @throws {PeregrineError} `NODE_TOO_OLD` */
  constructor(config: OptimizedServerConfig) {
    super();
    checkNodeVersion();
    const settings = resolveServerConfig(config);
    const { clock } = settings;
    this.config = Object.freeze({ ...config });
    this.#settings = settings;
    const breakers = new ServerBreakers(settings.breakers, clock, this.signals);
    this.#instance = new ServerInstance(settings);
    this.#state = createState(settings, this.#instance);
    this.#bus = this.#state.changes;
    this.#cache = createCache(settings, this.signals, breakers, this.#instance);
    this.cache = new ApplicationCache(this.#cache);
    this.http = new HttpPool({ clock, ...settings.httpPool }, 'httpPool', breakers.origins);
    this.#scopes = new RequestScopes(settings.databases.size > 0);
    const aroundPools = { clock, signal: this.signals.pool, gateOf: breakers.gateOf };
    this.#databases = new RequestDatabases(settings.databases, aroundPools, this.#scopes);
    this.#tasks = new RequestTasks(settings.workers, { clock, signal: this.signals.worker }, this.#scopes);
    const isOverridden = this.executeTool !== OptimizedMCPServer.prototype.executeTool;
    const own: ToolExecutor = (tool, args, call) => this.executeTool(tool.name, args, call);
    const execute = createExecutor(settings, isOverridden ? own : undefined, () => this.monitor);
    const executeTool = this.#scopes.scoped(execute);
    const answered = { registry: this.#registry, signals: this.signals, cache: this.#cache, executeTool };
    const dispatcher = createDispatcher(settings, answered, this.#instance, this.#state);
    this.optimizer = createOptimizer({ config, settings, signals: this.signals, cache: this.#cache, dispatcher });
    const about = { registry: this.#registry, signals: this.signals, http: this.http };
    this.#protocol = createProtocol(settings, { ...about, dispatcher, bus: this.#bus, state: this.#state });
    const pools = { cache: this.#cache, http: this.http, tasks: this.#tasks, databases: this.#databases };
    const others = { dispatcher, breakers, instance: this.#instance, optimizer: this.optimizer, events: this };
    this.monitor = createMonitor(settings, this.signals, { ...pools, ...others });
    this.#registry.changed.on(createChangePublisher(this.#bus));
    this.signals.fault.on((fault) => this.emit('fault', fault));
    this.monitor.alerts.changed.on((alert) => this.emit('alert', alert));
  }

  /** Registers what the server offers. Called once, before the first request. */
  protected setup(): void | Promise<void> {}

  /**
   * Registers a tool; the signature is the official SDK's. With a `module` the handler may be left out.
   *
   * @throws {OptionError} when the name is taken, or the name, a schema or a mapping is not valid.
   */
  registerTool<const I extends AnySchema | undefined = undefined>(
    name: string,
    config: ToolConfig<I> & ToolPlacement,
    handler?: ToolHandler<I>,
  ): RegisteredTool {
    const parts = { tasks: this.#tasks, clock: this.#settings.clock, signal: this.signals.placement };
    const isCPUIntensive = this.isCPUIntensive.bind(this);
    const placed = placeTool(name, config, handler, { ...parts, isCPUIntensive });
    return this.#registry.registerTool(name, placed.config, placed.handler as ToolHandler<I>);
  }

  /** Registers a resource, or with a {@link ResourceTemplate} a family of them; the signature is the official SDK's. @throws {OptionError} */
  registerResource(name: string, uri: string, config: ResourceConfig, handler: ReadResourceHandler): RegisteredResource;
  registerResource(
    name: string,
    template: ResourceTemplate,
    config: ResourceConfig,
    handler: ReadTemplateHandler,
  ): RegisteredResourceTemplate;
  registerResource(
    name: string,
    target: string | ResourceTemplate,
    config: ResourceConfig,
    handler: ReadResourceHandler | ReadTemplateHandler,
  ): RegisteredResource | RegisteredResourceTemplate {
    return this.#registry.registerResource(name, target, config, handler);
  }

  /** Registers a prompt; the signature is the official SDK's. @throws {OptionError} */
  registerPrompt<const A extends AnySchema | undefined = undefined>(
    name: string,
    config: PromptConfig<A>,
    handler: PromptHandler<A>,
  ): RegisteredPrompt {
    return this.#registry.registerPrompt(name, config, handler);
  }

  async #prepare(): Promise<void> {
    if (this.#settings.cache.enableRedisCache) await loadCacheDriver();
    await this.#state.store.open();
    await this.setup();
    if (this.#stopped === undefined) this.optimizer.start();
  }

  /**
   * Runs {@link setup} once. {@link start} and {@link fetch} do this by themselves.
   *
   * @throws {PeregrineError} `DRIVER_MISSING` when the configuration needs a package that is not installed.
   */
  ready(): Promise<void> {
    this.#ready ??= this.#prepare();
    return this.#ready;
  }

  /**
   * Starts to serve.
   *
   * @throws {PeregrineError} `LISTEN_FAILED` when the address cannot be had, `ALREADY_STARTED`, `STOPPED`.
   * @throws {OptionError} when something that `setup` registers is not valid.
   */
  async start(): Promise<StartedServer> {
    if (this.#started) throw new PeregrineError('ALREADY_STARTED', 'the server has been started already');
    this.#started = true;
    this.#stdio ??= createStdio(this.#protocol, this.#settings, () => this.stop());
    try {
      await this.monitor.open();
      await this.ready();
      const url = await this.#listen();
      this.#stdio?.open();
      this.monitor.enter('ready');
      this.#instance.join(url, {
        ...{ config: this.config, settings: this.#settings, cache: this.#cache, monitor: this.monitor },
        events: this,
        rebalance: (share) => this.#endpoint?.rebalance(share),
        stop: () => this.stop(),
      });
      if (this.#settings.handleSignals) this.#forgetSignals = onTermination(() => this.stop());
      return { url };
    } catch (error) {
      this.#started = false; // What was wrong, such as a port in use, may pass.
      await this.monitor.close();
      throw error;
    }
  }

  async #listen(): Promise<string | undefined> {
    const endpoint = createEndpoint(this.#protocol, this.#settings, this.signals, this.#instance);
    const url = await endpoint?.listen();
    if (this.#stopped !== undefined) {
      await endpoint?.close(0);
      throw new PeregrineError('STOPPED', 'the server was stopped before it had started');
    }
    this.#endpoint = endpoint;
    if (url !== undefined) this.#protocol.servedAt(url);
    return url;
  }

  /** Stops accepting, finishes what is in flight, ends streams with their result, and closes. Safe to call again. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Answers a web-standard request: for Bun, Deno, workers and frameworks. The caller routes; its path is not looked at. */
  async fetch(request: Request): Promise<Response> {
    await this.ready();
    this.#fetch ??= createFetch(this.#protocol, this.#settings);
    return this.#fetch(request);
  }

  /** Connects a client inside this process: JSON messages as text, in both directions. */
  async connect(onMessage: (text: string) => void): Promise<MemoryClient> {
    await this.ready();
    return connectMemory(this.#protocol, onMessage);
  }

  /** Tells listening clients that the tools changed. Registration does this by itself. */
  sendToolListChanged(): void {
    this.#bus.publish({ kind: 'tools' });
  }

  /** Tells listening clients that the resources changed. Registration does this by itself. */
  sendResourceListChanged(): void {
    void this.#cache.invalidate({ kind: 'tag', value: RESOURCE_LIST_TAG });
    this.#bus.publish({ kind: 'resources' });
  }

  /** Tells listening clients that the prompts changed. Registration does this by itself. */
  sendPromptListChanged(): void {
    this.#bus.publish({ kind: 'prompts' });
  }

  /** Tells clients that watch this resource that its content changed; what was kept of it is invalidated. */
  sendResourceUpdated(resource: { readonly uri: string }): void {
    void this.#cache.invalidate({ kind: 'tag', value: resourceTag(resource.uri) });
    this.#bus.publish({ kind: 'resource', uri: resource.uri });
  }

  /** How the server is doing: memory, CPU, requests and response times, cache, pools, and what the optimizer made of it. */
  getPerformanceMetrics(): ServerMetrics {
    return { ...this.monitor.figures(), optimizer: this.optimizer.report() };
  }

  /** Records a value of a business metric. @throws {OptionError} when the name, the value or an option is not valid. */
  recordCustomMetric(name: string, value: number, options?: CustomMetricOptions): void {
    this.monitor.recordCustom(name, value, options);
  }

  /**
   * Runs a tool by its name. Every `tools/call` that no kept answer serves comes through here once a subclass overrides it;
   * arguments are checked then. Called by the author's own code, it checks them itself.
   *
   * @throws {PeregrineError} `TOOL_UNKNOWN`, `ARGUMENTS_INVALID`, or whatever the handler throws.
   */
  protected async executeTool(
    name: string,
    args: unknown,
    context?: ServerContext,
  ): Promise<CallToolResult | InputRequiredResult> {
    const tool = this.#registry.tools.get(name);
    if (tool === undefined || !tool.enabled) throw new PeregrineError('TOOL_UNKNOWN', `there is no tool "${name}"`);
    if (context !== undefined) return (await tool.run(args, context)) as CallToolResult;
    return runDetached(tool, args, { signals: this.signals, clock: this.#settings.clock });
  }

  /**
   * Runs work of the author's own under an operation's name, so that it counts in the metrics; with a key its result is
   * kept, and computed once for all who ask at the same time.
   *
   * @param cacheKey The same as in {@link cache}: `this.cache.delete(cacheKey)` invalidates it.
   * @param ttlSeconds How long the result is kept. @default the configuration's `cache.cacheTTL`
   * @throws whatever the work throws.
   */
  protected async handleOptimizedRequest<T>(
    operation: string,
    work: () => T | Promise<T>,
    cacheKey?: string,
    ttlSeconds?: number,
  ): Promise<T> {
    return measureOperation(operation, { clock: this.#settings.clock, signals: this.signals }, () =>
      cacheKey === undefined
        ? work()
        : this.cache.getOrCompute(cacheKey, work, ttlSeconds === undefined ? {} : { ttlSeconds }),
    );
  }

  /** Whether a tool with `run: 'auto'` is to leave the event loop; asked before each call in it, the first one included. */
  protected isCPUIntensive(_tool: string, calls: ObservedCalls): boolean {
    return blocksEventLoop(calls);
  }

  /** Makes a module's exported function a task for {@link processCPUIntensiveTask}. @throws {OptionError} */
  protected registerTask(name: string, module: URL | string, options?: TaskOptions): void {
    this.#tasks.registerTask(name, module, options);
  }

  /**
   * Runs a registered task on the thread or process pool. Made for a tool's call that its client cancels, the task is ended.
   *
   * @throws {PeregrineError} `TASK_...` or `WORKER_...`, as `WorkerPools.run` does.
   */
  protected processCPUIntensiveTask<R = unknown>(input: unknown, options?: CpuTaskOptions): Promise<R> {
    return this.#tasks.run<R>(input, options);
  }

  /**
   * Queries a configured database: `?` stands for a parameter everywhere. Made for a tool's call that its client cancels,
   * the query is stopped on the server.
   *
   * @throws {PeregrineError} `DATABASE_UNKNOWN`, or as `SqlPool.query` does.
   */
  protected queryDatabase<Row = SqlRow>(
    sql: string,
    parameters?: readonly SqlParameter[],
    options?: DatabaseQueryOptions,
  ): Promise<Row[]> {
    return this.#databases.query<Row>(sql, parameters, options);
  }

  /** A configured database, for transactions, streams and what was changed. @throws {PeregrineError} `DATABASE_UNKNOWN` */
  protected database(name?: string): SqlPool {
    return this.#databases.database(name);
  }

  async #stop(): Promise<void> {
    this.optimizer.stop();
    this.monitor.enter('draining');
    const parts = { endpoint: this.#endpoint, stdio: this.#stdio, protocol: this.#protocol, instance: this.#instance };
    const remainingMs = await drainServer(this.#settings, parts);
    await this.#tasks.close(remainingMs);
    await Promise.all([this.#cache.close(), this.#databases.close(), this.http.close(), this.#state.store.close()]);
    await this.monitor.close();
    this.#forgetSignals?.();
    await this.#instance.close(this.monitor);
  }
}

/**
 * Creates a server: `createOptimizedServer(Catalogue, { name, version, description })`.
 *
 * @throws {OptionError} when an option is unknown or not valid.
 */
export function createOptimizedServer<S extends OptimizedMCPServer>(
  ServerClass: new (config: OptimizedServerConfig) => S,
  config: OptimizedServerConfig,
): S {
  return new ServerClass(config);
}
