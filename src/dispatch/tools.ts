import type { PeregrineError } from '../kernel/errors.ts';
import type { Ticket } from '../limit/limit.ts';
import type { CacheRule, Checked, RegisteredTool, Registry } from '../registry/registry.ts';
import type { EngineSignals, RequestOutcome } from '../signal/signal.ts';
import {
  copyJson,
  declaresTasks,
  type Era,
  ErrorCode,
  isObject,
  legacyToolResult,
  ProtocolError,
  tasksNotDeclared,
} from '../wire/wire.ts';
import type { Admission, ToolTicket } from './admission.ts';
import { type AnswerCache, CachedEntries, type CachedEntry, FailedAnswer, type Made } from './answer-cache.ts';
import type { Answer, Call, MethodHandler, Params } from './call.ts';
import { FlightCall } from './flight-call.ts';
import {
  InternalFault,
  isProtocolError,
  publicMessage,
  type ResultWriter,
  resultObject,
  toPeregrineError,
} from './result-writer.ts';
import { askFailure, type Rounds } from './rounds.ts';
import { TaskCall } from './task-call.ts';
import type { TaskCalls } from './task-calls.ts';

/** The member of a failed result's `_meta` that says `{ code, retryable }`. */
const ERROR_META = 'peregrine/error';

const NEEDS_TASKS = 'This tool takes long: it is for clients of revision 2026-07-28 that follow tasks';

/** What the method handlers of dispatch share. */
export interface DispatchParts {
  /** Where answers are kept; nothing where none are. */
  readonly answers: AnswerCache;
  /** Who may come in. */
  readonly admission: Admission;
  readonly registry: Registry;
  readonly writer: ResultWriter;
  readonly rounds: Rounds;
  readonly signals: EngineSignals;
  /** What makes tasks of calls. */
  readonly tasks: TaskCalls;
}

/** Runs a tool by name: the author's own dispatch where `executeTool` is overridden. */
export type ToolExecutor = (tool: RegisteredTool, args: unknown, call: Call) => unknown;

const runTool: ToolExecutor = (tool, args, call) => tool.run(args, call);

/** Serves `tools/call`. */
export class ToolCaller {
  readonly #parts: DispatchParts;
  readonly #execute: ToolExecutor;
  readonly #entries = new CachedEntries('tool');

  constructor(parts: DispatchParts, execute: ToolExecutor = runTool) {
    this.#parts = parts;
    this.#execute = execute;
  }

  /** HOT: the way of nearly every request; guarded by `npm run bench`. */
  readonly call: MethodHandler = (params, call) => {
    const tool = findTool(this.#parts.registry, params);
    call.target = tool.name;
    const args = params?.['arguments'];
    if (args !== undefined && !isObject(args))
      throw new ProtocolError(ErrorCode.InvalidParams, 'arguments must be an object');
    this.#parts.rounds.open(params as Record<string, unknown>, call);
    const { input, cache } = tool.compiled;
    // A later round of a request has answers of its own. The entry is that of the schema which checks the arguments.
    const entry = cache === undefined || isLaterRound(params) ? undefined : this.#entryOf(tool);
    if (input === undefined) return this.#answer(tool, entry, args, params, call);
    const checked = input.check(args ?? {});
    if (checked instanceof Promise)
      return checked.then((later) => this.#startChecked(tool, entry, later, params, call));
    return this.#startChecked(tool, entry, checked, params, call);
  };

  #startChecked(
    tool: RegisteredTool,
    entry: CachedEntry | undefined,
    checked: Checked,
    params: Params,
    call: Call,
  ): Answer | Promise<Answer> {
    if (!checked.ok) return this.#invalid(tool, checked.issues, call);
    return this.#answer(tool, entry, ownArguments(checked.value, params, call), params, call);
  }

  #invalid(tool: RegisteredTool, issues: string, call: Call): string {
    return this.#toolError(`Invalid arguments for tool ${tool.name}: ${issues}`, call);
  }

  /** An answer that is kept, to arguments as a client wrote them before; nothing where that is not sure. HOT: see {@link AnswerCache}. */
  peek(name: string, era: Era, principal: string | undefined, written: string): string | undefined {
    const tool = this.#parts.registry.tools.get(name);
    if (tool?.compiled.cache === undefined || !tool.enabled || tool.compiled.headerParams !== undefined)
      return undefined;
    return this.#parts.answers.peekWritten(this.#entryOf(tool), era, principal, written);
  }

  /** A tool whose answers are kept, as the cache sees it. */
  #entryOf(tool: RegisteredTool): CachedEntry {
    const { definition, cache } = tool.compiled;
    return this.#entries.of(tool, definition, cache as CacheRule);
  }

  /** Answers from what is kept, if the tool's answers are. */
  #answer(
    tool: RegisteredTool,
    entry: CachedEntry | undefined,
    args: unknown,
    params: Params,
    call: Call,
  ): Answer | Promise<Answer> {
    if (entry === undefined) return this.#start(tool, args, params, call);
    const { answers } = this.#parts;
    const key = answers.keyOf(entry, call, args);
    if (key === undefined) return this.#start(tool, args, params, call);
    const kept = answers.peek(key);
    if (kept !== undefined) return kept;
    const tags = answers.tagsOf(entry, call, args);
    if (tags === undefined) return this.#start(tool, args, params, call);
    let asked: Record<string, unknown> | undefined;
    const make = async (shared: FlightCall): Promise<Made> => {
      const text = (await this.#start(tool, args, params, shared)) as string;
      const { outcome, hasFailed } = shared;
      ({ asked } = shared);
      const isKept = outcome === 'ok' && tool.revision === entry.revision;
      const made = { text, isKept, isShared: outcome !== 'input_required', note: outcome };
      if (hasFailed) throw new FailedAnswer(made);
      return made;
    };
    // What a client is asked is its own: the call goes on for it alone.
    const goOn = () => asked && this.#nextRound(tool, args, asked, params, call);
    return this.#read(entry, { key, tags }, call, make, goOn);
  }

  async #read(
    entry: CachedEntry,
    place: { readonly key: string; readonly tags: readonly string[] },
    call: Call,
    make: (shared: FlightCall) => Promise<Made>,
    goOn: () => Promise<Answer> | undefined,
  ): Promise<Answer> {
    const { text, note } = await this.#parts.answers.read(entry, place, call, make);
    const later = goOn();
    if (later !== undefined) return later;
    if (note !== undefined) call.outcome = note as RequestOutcome;
    return text;
  }

  #start(tool: RegisteredTool, args: unknown, params: Params, call: Call): Answer | Promise<Answer> {
    const { admission } = this.#parts;
    if (!admission.limitsAll && tool.compiled.limits === undefined) {
      admission.enter('tool', tool.name, call);
      return this.#run(tool, args, params, call, admission.guard);
    }
    const refused = tool.compiled.task?.required === true ? this.#withoutTask(call) : undefined;
    if (refused !== undefined) return refused;
    const entered = admission.enterTool(tool, call);
    if (!(entered instanceof Promise)) return this.#entered(tool, args, params, call, entered);
    return entered.then((ticket) => this.#entered(tool, args, params, call, ticket));
  }

  /** Refuses a client that cannot follow the task that a call has to be. @throws {ProtocolError} -32021 */
  #withoutTask(call: Call): Answer | undefined {
    if (call.era === 'legacy') return this.#toolError(NEEDS_TASKS, call);
    if (!declaresTasks(call.clientCapabilities)) throw tasksNotDeclared();
    return undefined;
  }

  #entered(
    tool: RegisteredTool,
    args: unknown,
    params: Params,
    call: Call,
    ticket: ToolTicket,
  ): Answer | Promise<Answer> {
    const isTask = tool.compiled.task !== undefined && call.era === 'modern' && declaresTasks(call.clientCapabilities);
    if (!isTask) return this.#run(tool, args, params, call, ticket);
    return this.#parts.tasks.start(tool, params, { call, ticket }, (task) =>
      this.#run(tool, args, params, task, ticket),
    );
  }

  /** Goes on with a task whose client gave what its handler asked for. */
  async enterAgain(tool: RegisteredTool, params: Params, call: TaskCall, ticket: ToolTicket): Promise<Answer> {
    const { input } = tool.compiled;
    let checked: Checked;
    try {
      checked = input === undefined ? { ok: true, value: undefined } : await input.check(params?.['arguments'] ?? {});
    } catch (error) {
      ticket.release();
      throw error;
    }
    if (!checked.ok) {
      ticket.release();
      return this.#invalid(tool, checked.issues, call);
    }
    const args = ownArguments(checked.value, params, call);
    return this.#run(tool, args, params, call, ticket);
  }

  /** What was let in is held until its handler has settled, whoever still waits: until then it takes its place. */
  #run(tool: RegisteredTool, args: unknown, params: Params, call: Call, held: Ticket): Answer | Promise<Answer> {
    let result: unknown;
    try {
      result = this.#execute(tool, args, call);
    } catch (error) {
      held.release();
      return this.#failed(tool, error, call);
    }
    if (!isThenable(result)) {
      held.release();
      return this.#finish(tool, args, result, params, call);
    }
    const settled = result instanceof Promise ? result : Promise.resolve(result);
    return settled.then(
      (value: unknown) => {
        held.release();
        return this.#finish(tool, args, value, params, call);
      },
      (error: unknown) => {
        held.release();
        return this.#failed(tool, error, call);
      },
    );
  }

  #finish(
    tool: RegisteredTool,
    args: unknown,
    returned: unknown,
    params: Params,
    call: Call,
  ): Answer | Promise<Answer> {
    const result = resultObject(`tool "${tool.name}"`, returned);
    if (result['resultType'] === 'input_required') {
      if (call instanceof TaskCall && call.isTask) return this.#ask(result, call);
      if (call.era === 'modern') return this.#parts.rounds.answer(result, params, call);
      if (!(call instanceof FlightCall)) return this.#nextRound(tool, args, result, params, call);
      call.outcome = 'input_required';
      call.asked = result;
      return '';
    }
    if (result['isError'] === true) call.outcome = 'tool_error';
    const { output } = tool.compiled;
    if (output === undefined || result['isError'] === true) return this.#write(tool, result, call);
    const checked = output.check(result['structuredContent']);
    if (checked instanceof Promise) return checked.then((later) => this.#finishChecked(tool, result, later, call));
    return this.#finishChecked(tool, result, checked, call);
  }

  /** Inside a task what is asked for goes to its record, its state too. */
  #ask(result: Record<string, unknown>, call: TaskCall): string {
    const { inputRequests, requestState } = result;
    const isState = requestState === undefined || typeof requestState === 'string';
    if (!isObject(inputRequests) || Object.keys(inputRequests).length === 0 || !isState)
      throw new InternalFault(
        new TypeError(`${call.target}: inside a task inputRequired needs inputRequests; requestState is a string`),
      );
    this.#parts.rounds.check(inputRequests, call);
    call.asked = result;
    return '';
  }

  /** A legacy client is asked, then the handler entered again, by all that guards it. */
  async #nextRound(
    tool: RegisteredTool,
    args: unknown,
    result: Record<string, unknown>,
    params: Params,
    call: Call,
  ): Promise<Answer> {
    try {
      await this.#parts.rounds.ask(result, call);
    } catch (error) {
      const known = toPeregrineError(error);
      if (known === undefined) throw error;
      return this.#toolError(askFailure(known), call, known);
    }
    return this.#start(tool, args, params, call);
  }

  /** What leaves is what the check returned: a library may drop members, or fill them in. */
  #finishChecked(tool: RegisteredTool, result: Record<string, unknown>, checked: Checked, call: Call): Answer {
    if (checked.ok) {
      const isSame = checked.value === result['structuredContent'];
      return this.#write(tool, isSame ? result : { ...result, structuredContent: checked.value }, call);
    }
    const error = new TypeError(`structuredContent does not fit outputSchema: ${checked.issues}`);
    this.#parts.signals.fault.emit({ where: `tools/call ${tool.name}`, error });
    return this.#toolError(`Tool ${tool.name} returned a result that does not fit its output schema`, call);
  }

  #write(tool: RegisteredTool, result: Record<string, unknown>, call: Call): string {
    const whole = Array.isArray(result['content']) ? result : { ...result, content: contentFor(tool, result) };
    const shown = call.era === 'legacy' ? legacyToolResult(whole, tool.compiled.wrapsLegacyOutput) : whole;
    return this.#parts.writer.complete(shown, call);
  }

  #failed(tool: RegisteredTool, error: unknown, call: Call): string {
    if (isProtocolError(error)) throw error;
    if (call instanceof FlightCall) call.hasFailed = true;
    if (!call.cancelled) this.#parts.signals.fault.emit({ where: `tools/call ${tool.name}`, error });
    const text = publicMessage(error, `Tool ${tool.name} failed`);
    return this.#toolError(text, call, toPeregrineError(error));
  }

  /** The code of one of this package's errors goes with it, so that programs can tell whether to try again. */
  #toolError(text: string, call: Call, error?: PeregrineError): string {
    call.outcome = 'tool_error';
    const result = { content: [{ type: 'text', text }], isError: true };
    if (error === undefined) return this.#parts.writer.complete(result, call);
    const { code, retryable } = error;
    return this.#parts.writer.complete({ ...result, _meta: { [ERROR_META]: { code, retryable } } }, call);
  }
}

/** Whether a request carries what the client answered, or was given, in a round before. */
export function isLaterRound(params: Params): boolean {
  return params?.['requestState'] !== undefined || params?.['inputResponses'] !== undefined;
}

/** @throws {ProtocolError} -32602 when there is no such tool. */
function findTool(registry: Registry, params: Params): RegisteredTool {
  const name = params?.['name'];
  if (typeof name !== 'string') throw new ProtocolError(ErrorCode.InvalidParams, 'name must be a string');
  const tool = registry.tools.get(name);
  if (tool === undefined || !tool.enabled)
    throw new ProtocolError(ErrorCode.InvalidParams, `Unknown tool: ${name.slice(0, 128)}`);
  return tool;
}

/** Structured output alone is repeated as text, for clients that know no other. @throws {InternalFault} */
function contentFor(tool: RegisteredTool, result: Record<string, unknown>): object[] {
  if (result['content'] !== undefined)
    throw new InternalFault(new TypeError(`tool "${tool.name}": content must be an array`));
  const structured = result['structuredContent'];
  return structured === undefined ? [] : [{ type: 'text', text: JSON.stringify(structured) }];
}

/**
 * What a handler gets where a check returned the arguments as they came: a handler may change them, and the state of a
 * further round is bound to what the client sent.
 */
export function ownArguments(checked: unknown, params: Params, call: Call): unknown {
  return call.era === 'modern' && checked === params?.['arguments'] ? copyJson(checked) : checked;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
