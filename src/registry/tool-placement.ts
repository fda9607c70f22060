import type { Clock } from '../kernel/clock.ts';
import { OptionError } from '../kernel/errors.ts';
import { Histogram } from '../kernel/histogram.ts';
import type { PlacementEvent, Signal } from '../signal/signal.ts';
import type { TaskContext, WorkerPools } from '../worker/worker.ts';
import type { AnySchema } from './schema.ts';
import type { ToolConfig } from './tools.ts';

/** Where a tool's calls run. */
export interface ToolPlacement {
  /**
   * `inline` runs the handler in the event loop; `thread` and `process` run the module's function in a worker. `auto` begins
   * inline and moves to threads, if there is a module, once the server's `isCPUIntensive` says so: by default once calls
   * block the event loop, where 9 of 10 for at most 5 ms is fine.
   *
   * @default 'inline'
   */
  readonly run?: 'inline' | 'thread' | 'process' | 'auto' | undefined;
  /** The URL of a module whose default export is the tool: `(args, context)`, where `context` is a `TaskContext`. */
  readonly module?: URL | string | undefined;
}

/** How long a tool's calls have kept the event loop so far, until they returned or first waited. */
export interface ObservedCalls {
  readonly count: number;
  /** In milliseconds; quantiles within 3.2 %. 0 before the first call. */
  readonly lastMs: number;
  readonly averageMs: number;
  readonly p90Ms: number;
  readonly maxMs: number;
}

/** The rule of `run: 'auto'`: of at least 20 calls, more than one in ten kept the event loop for over 5 ms, the last among them. */
export function blocksEventLoop(calls: ObservedCalls): boolean {
  return calls.lastMs > BLOCKING_MS && calls.count >= MIN_CALLS && calls.p90Ms > BLOCKING_MS;
}

/** What placement needs of the server. */
export interface PlacementParts {
  /** Whether a tool is to leave the event loop. Asked before each call that would run in it. */
  readonly isCPUIntensive: (tool: string, calls: ObservedCalls) => boolean;
  readonly tasks: WorkerPools;
  readonly clock: Clock;
  readonly signal: Signal<PlacementEvent>;
}

// biome-ignore lint/suspicious/noExplicitAny: a handler's parameters depend on the tool's schema
type Handler = (...args: any[]) => any;

const PLACES = ['inline', 'thread', 'process', 'auto'];
const BLOCKING_MS = 5;
const MIN_CALLS = 20;

/** Splits off where a tool runs, and makes the handler that runs it there. @throws {OptionError} */
export function placeTool<I extends AnySchema | undefined>(
  name: string,
  definition: ToolConfig<I> & ToolPlacement,
  handler: Handler | undefined,
  parts: PlacementParts,
): { readonly config: ToolConfig<I>; readonly handler: Handler | undefined } {
  if (typeof definition !== 'object' || definition === null || !('run' in definition || 'module' in definition))
    return { config: definition, handler };
  const { run = 'inline', module, ...config } = definition;
  if (!PLACES.includes(run)) throw new OptionError(`tool "${name}".run`, `must be one of ${PLACES.join(', ')}`, run);
  if (module === undefined) {
    if (run === 'thread' || run === 'process')
      throw new OptionError(`tool "${name}".module`, `must be given for a tool that runs in a ${run}`, module);
    return { config, handler: run === 'auto' ? observed(name, handler, undefined, parts) : handler };
  }
  let task = `tool:${name}`; // another tool of this name may have been removed
  for (let count = 2; parts.tasks.hasTask(task); count++) task = `tool:${name} (${count})`;
  parts.tasks.registerTask(task, module, { processOnly: run === 'process' });
  const takesArguments = definition.inputSchema !== undefined;
  const inWorker: Handler = (args) => parts.tasks.run(takesArguments ? args : undefined, { task });
  if (run === 'thread' || run === 'process') return { config, handler: inWorker };
  const inline = handler ?? loaded(String(module), takesArguments);
  return { config, handler: run === 'auto' ? observed(name, inline, inWorker, parts) : inline };
}

/** A handler's context as tasks see theirs. */
class TaskView implements TaskContext {
  readonly #context: { readonly signal: AbortSignal };

  constructor(context: { readonly signal: AbortSignal }) {
    this.#context = context;
  }

  get signal(): AbortSignal {
    return this.#context.signal;
  }

  transferring<T>(value: T): T {
    return value;
  }
}

/** The module's function in this process. */
function loaded(module: string, takesArguments: boolean): Handler {
  let tool: Handler | undefined;
  const call = (given: readonly unknown[]): unknown => {
    const [args, context] = takesArguments ? given : [undefined, given[0]];
    return (tool as Handler)(args, new TaskView(context as { readonly signal: AbortSignal }));
  };
  return (...given) => {
    if (tool !== undefined) return call(given);
    return import(module).then((exports: { readonly default: Handler }) => {
      tool = exports.default;
      return call(given);
    });
  };
}

/** Times of calls as they come. */
class CallTimes implements ObservedCalls {
  lastMs = 0;
  readonly #times = new Histogram();

  get count(): number {
    return this.#times.count;
  }
  get averageMs(): number {
    return this.#times.mean / 1_000;
  }
  get p90Ms(): number {
    return this.#times.quantile(0.9) / 1_000;
  }
  get maxMs(): number {
    return this.#times.max / 1_000;
  }

  add(ms: number): void {
    this.lastMs = ms;
    this.#times.record(ms * 1_000);
  }
}

/** Times how long calls block the event loop, and moves the tool out of it, once, where that is possible. */
function observed(
  name: string,
  inline: Handler | undefined,
  inWorker: Handler | undefined,
  { clock, signal, isCPUIntensive }: PlacementParts,
): Handler | undefined {
  if (typeof inline !== 'function') return inline;
  const calls = new CallTimes();
  let current: Handler = (...given) => {
    if (isCPUIntensive(name, calls)) {
      current = inWorker ?? inline;
      const { p90Ms, count } = calls;
      signal.emit({ tool: name, kind: inWorker === undefined ? 'blocking' : 'moved', p90Ms, calls: count });
      return current(...given);
    }
    const startedAt = clock.now();
    try {
      return inline(...given);
    } finally {
      calls.add(clock.now() - startedAt);
    }
  };
  return (...given) => current(...given);
}
