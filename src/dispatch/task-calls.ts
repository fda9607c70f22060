import { randomBytes } from 'node:crypto';
import type { Clock } from '../kernel/clock.ts';
import type { RegisteredTool, Registry, ResolvedToolTask } from '../registry/registry.ts';
import type { EngineSignals } from '../signal/signal.ts';
import { StateStoreError } from '../state/state.ts';
import {
  answering,
  cancelling,
  failing,
  handleOf,
  type KeptTask,
  type ResolvedTasks,
  type TaskRecord,
  TaskStore,
  type TaskStoreParts,
  viewOf,
} from '../tasks/tasks.ts';
import {
  type DetailedTask,
  declaresTasks,
  ErrorCode,
  isObject,
  ProtocolError,
  tasksNotDeclared,
} from '../wire/wire.ts';
import type { ToolTicket } from './admission.ts';
import type { Answer, Call, MethodHandler, Params } from './call.ts';
import { Refusal, type ResultWriter } from './result-writer.ts';
import type { EarlierRound, TaskCall } from './task-call.ts';
import { type RunningTask, TaskRunner } from './task-runner.ts';
import { TaskWatch, type WatchedTasks } from './task-watch.ts';

/** What calls that become tasks need. */
export interface TaskCallsParts extends Omit<TaskStoreParts, 'options'> {
  readonly options: ResolvedTasks;
  readonly registry: Registry;
  readonly writer: ResultWriter;
  readonly signals: EngineSignals;
  readonly clock: Clock;
  /** How tools are entered. */
  readonly tool: TaskTool;
}

/** Runs a tool's handler for a call whose arguments were checked, or are to be. */
export interface TaskTool {
  admit(tool: RegisteredTool, call: Call): ToolTicket | Promise<ToolTicket>;
  enterAgain(tool: RegisteredTool, params: Params, call: TaskCall, ticket: ToolTicket): Promise<Answer>;
}

/** When what was refused for want of room may come again. */
const RETRY_MS = 1_000;
const LOST = 'The instance that ran this task ended before it was finished';

/** Calls of tools that are answered later: makes tasks of them, and answers for these. */
export class TaskCalls {
  readonly #parts: TaskCallsParts;
  readonly #tasks: TaskStore;
  readonly #runner: TaskRunner;
  readonly #watch: TaskWatch;

  constructor(parts: TaskCallsParts) {
    const { clock, signals, options } = parts;
    this.#parts = parts;
    this.#tasks = new TaskStore(parts);
    this.#runner = new TaskRunner({ tasks: this.#tasks, clock, signals, maxRunning: options.maxRunning });
    this.#watch = new TaskWatch({ tasks: this.#tasks, clock, read: (id, principal) => this.#read(id, principal) });
  }

  /**
   * Begins a call that was let in.
   *
   * @returns What the handler answers soon, or the handle of a task.
   */
  start(
    tool: RegisteredTool,
    params: Params,
    { call, ticket }: { readonly call: Call; readonly ticket: ToolTicket },
    run: (call: TaskCall) => Answer | Promise<Answer>,
  ): Answer | Promise<Answer> {
    const { immediateMs } = tool.compiled.task as ResolvedToolTask;
    const task = this.#runner.prepare(this.#newRecord(tool, params, call), call, earlierRound(params, call));
    if (immediateMs === 0) return this.#asTask(task, ticket, run);
    const answer = run(task.call);
    return answer instanceof Promise ? this.#orTask(task, ticket, answer, immediateMs) : plain(task, answer);
  }

  /** A call that is a task before its handler begins. */
  async #asTask(
    task: RunningTask,
    ticket: ToolTicket,
    run: (call: TaskCall) => Answer | Promise<Answer>,
  ): Promise<Answer> {
    let version: number | undefined;
    try {
      version = await this.#keep(task);
    } catch (error) {
      ticket.release();
      throw unavailable(error);
    }
    if (version === undefined) {
      ticket.release();
      throw new Refusal('Too many tasks are kept or running', RETRY_MS);
    }
    task.call.becomeTask();
    ticket.answered();
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#runner.follow(task, version, promise);
    setImmediate(() => resolve(begin(() => run(task.call)))); // After its handle has left.
    return this.#parts.writer.task(handleOf(task.record));
  }

  /** A call that becomes a task if its handler takes long. Where no task can be kept, the handler's answer is waited for. */
  async #orTask(task: RunningTask, ticket: ToolTicket, answer: Promise<Answer>, immediateMs: number): Promise<Answer> {
    let hasSettled = false;
    const settle = (): void => {
      hasSettled = true;
    };
    const settled = answer.then(settle, settle);
    const { promise: isLate, resolve } = Promise.withResolvers<void>();
    const cancel = this.#parts.clock.after(immediateMs, resolve);
    await Promise.race([settled, isLate]);
    cancel();
    const isOver = (): boolean => hasSettled || task.call.cancelled;
    const version = isOver() ? undefined : await this.#keep(task).catch((error: unknown) => this.#fault(error));
    if (version === undefined) return plain(task, await answer);
    if (isOver()) {
      this.#runner.leave(task);
      await this.#tasks.forget(task.record.id).catch((error: unknown) => this.#fault(error));
      return plain(task, await answer);
    }
    task.call.becomeTask();
    ticket.answered();
    this.#runner.follow(task, version, answer);
    return this.#parts.writer.task(handleOf(task.record));
  }

  /** Keeps a new task as one that this instance runs. @returns Nothing where there is no room. */
  async #keep(task: RunningTask): Promise<number | undefined> {
    if (!(await this.#runner.reserve(task))) return undefined;
    let version: number | undefined;
    try {
      version = await this.#tasks.create(task.record);
      return version;
    } finally {
      if (version === undefined) this.#runner.leave(task);
    }
  }

  /** Serves `tasks/get`. */
  readonly get: MethodHandler = async (params, call) => {
    const { record } = await this.#find(params, call);
    return this.#parts.writer.complete({ ...viewOf(record) }, call);
  };

  /** Serves `tasks/cancel`. */
  readonly cancel: MethodHandler = async (params, call) => {
    const { record } = await this.#find(params, call);
    await guarded(() => this.#tasks.change(record.id, cancelling(this.#now)));
    return this.#parts.writer.complete({}, call);
  };

  /** Serves `tasks/update`. With the last thing that a task waits for, this instance goes on with it. */
  readonly update: MethodHandler = async (params, call) => {
    const responses = params?.['inputResponses'];
    for (;;) {
      const kept = await this.#find(params, call);
      if (!isObject(responses)) throw new ProtocolError(ErrorCode.InvalidParams, 'inputResponses must be an object');
      const next = answering(responses, this.#tasks.instance, this.#now)(kept.record);
      const isDone =
        next === undefined ||
        (next.status === 'working'
          ? await this.#goOn(kept, next, call)
          : (await guarded(() => this.#tasks.replace(kept, next))) !== undefined);
      if (isDone) return this.#parts.writer.complete({}, call);
    }
  };

  /** @returns Whether the task was still as it was read; it goes on then. @throws {Refusal} when its tool does not let it in. */
  async #goOn(kept: KeptTask, next: TaskRecord, call: Call): Promise<boolean> {
    const { registry, tool: entered } = this.#parts;
    const tool = registry.tools.get(next.tool);
    if (tool === undefined || !tool.enabled) {
      const error = { code: ErrorCode.InvalidParams, message: `Unknown tool: ${next.tool}` };
      await guarded(() => this.#tasks.change(next.id, failing(error, this.#now)));
      return true;
    }
    call.target = tool.name;
    const ticket = await entered.admit(tool, call);
    const task = this.#runner.prepare(next, call, { responses: next.given, state: next.state });
    let version: number | undefined;
    try {
      if (!(await this.#runner.reserve(task))) throw new Refusal('Too many tasks are running', RETRY_MS);
      version = await this.#tasks.replace(kept, next);
    } catch (error) {
      throw unavailable(error);
    } finally {
      if (version === undefined) {
        this.#runner.leave(task);
        ticket.release();
      }
    }
    if (version === undefined) return false;
    task.call.becomeTask();
    ticket.answered();
    const params = { name: next.tool, ...(next.args === undefined ? {} : { arguments: next.args }) };
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#runner.follow(task, version, promise);
    setImmediate(() => resolve(entered.enterAgain(tool, params, task.call, ticket)));
    return true;
  }

  /** Has a caller told of its own among these tasks. @throws {ProtocolError} -32021 to a client that cannot follow tasks. */
  async watch(ids: readonly string[], call: Call, tell: (task: DetailedTask) => void): Promise<WatchedTasks> {
    if (!declaresTasks(call.clientCapabilities)) throw tasksNotDeclared();
    return guarded(() => this.#watch.open(ids, call.principal, tell));
  }

  /** Lets tasks finish until the deadline; those that have not by then fail. */
  close(deadline: Promise<void>): Promise<void> {
    return this.#runner.close(deadline);
  }

  /** The caller's task of that id. @throws {ProtocolError} -32021 to a client that cannot follow tasks, -32602 where there is none. */
  async #find(params: Params, call: Call): Promise<KeptTask> {
    if (!declaresTasks(call.clientCapabilities)) throw tasksNotDeclared();
    const id = params?.['taskId'];
    if (typeof id !== 'string') throw new ProtocolError(ErrorCode.InvalidParams, 'taskId must be a string');
    const kept = await guarded(() => this.#read(id, call.principal));
    if (kept === undefined) throw new ProtocolError(ErrorCode.InvalidParams, 'Unknown or expired task');
    return kept;
  }

  /** A principal's task; one whose instance is gone has failed. */
  async #read(id: string, principal: string | undefined): Promise<KeptTask | undefined> {
    const kept = await this.#tasks.read(id);
    if (kept === undefined || kept.record.principal !== (principal ?? null)) return undefined;
    if (kept.record.status !== 'working' || (await this.#isRun(kept.record))) return kept;
    const error = { code: ErrorCode.InternalError, message: LOST };
    const { owner } = kept.record;
    const failed = await this.#tasks.change(id, (record) =>
      record.owner === owner ? failing(error, this.#now)(record) : undefined,
    );
    return failed ?? this.#tasks.read(id);
  }

  async #isRun({ id, owner }: TaskRecord): Promise<boolean> {
    return owner === this.#tasks.instance ? this.#runner.runs(id) : this.#tasks.isAlive(owner);
  }

  #newRecord(tool: RegisteredTool, params: Params, { principal }: Call): TaskRecord {
    const { options } = this.#parts;
    const { ttlSeconds, pollIntervalMs } = tool.compiled.task as ResolvedToolTask;
    const now = this.#now;
    return {
      id: randomBytes(24).toString('base64url'),
      tool: tool.name,
      principal: principal ?? null,
      status: 'working',
      ...{ createdAt: now, updatedAt: now },
      ttlMs: Math.min(ttlSeconds ?? options.ttlSeconds, options.maxTtlSeconds) * 1_000,
      pollIntervalMs: pollIntervalMs ?? options.pollIntervalMs,
      owner: this.#tasks.instance,
      args: params?.['arguments'] as Record<string, unknown> | undefined,
      ...{ asked: {}, given: {}, uses: {} },
    };
  }

  get #now(): number {
    return this.#parts.clock.wallNow();
  }

  #fault(error: unknown): undefined {
    this.#parts.signals.fault.emit({ where: 'tasks', error });
  }
}

/** What a request brings of the round before it. */
function earlierRound(params: Params, { roundState }: Call): EarlierRound {
  const responses = params?.['inputResponses'];
  return { responses: isObject(responses) ? responses : undefined, state: roundState };
}

/** The answer of a call that became no task. */
function plain({ call }: RunningTask, answer: Answer): Answer {
  call.stayCall();
  call.first.outcome = call.outcome;
  return answer;
}

function begin(run: () => Answer | Promise<Answer>): Promise<Answer> {
  return new Promise((resolve) => resolve(run()));
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw unavailable(error);
  }
}

/** A store that is down refuses for now, and loses nothing. */
function unavailable(error: unknown): unknown {
  return error instanceof StateStoreError ? new Refusal('Tasks cannot be reached at the moment', RETRY_MS) : error;
}
