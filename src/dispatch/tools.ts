import type { Checked, Registry, RegisteredTool } from '../registry/registry.ts';
import type { EngineSignals } from '../signal/signal.ts';
import { ErrorCode, isObject, legacyToolResult, ProtocolError } from '../wire/wire.ts';
import type { Answer, Call, MethodHandler, Params } from './call.ts';
import { type ResultWriter, resultObject } from './result-writer.ts';
import type { Rounds } from './rounds.ts';

/** What the method handlers of dispatch share. */
export interface DispatchParts {
  readonly registry: Registry;
  readonly writer: ResultWriter;
  readonly rounds: Rounds;
  readonly signals: EngineSignals;
}

/** Runs a tool by name: the author's own dispatch where `executeTool` is overridden. */
export type ToolExecutor = (tool: RegisteredTool, args: unknown, call: Call) => unknown;

const runTool: ToolExecutor = (tool, args, call) => tool.run(args, call);

/** Serves `tools/call`. */
export function createToolCaller(parts: DispatchParts, execute: ToolExecutor = runTool): MethodHandler {
  const { registry, writer, rounds } = parts;

  /** HOT: the way of nearly every request; guarded by `npm run bench`. */
  return (params, call) => {
    const tool = findTool(registry, params);
    call.target = tool.name;
    const args = params?.['arguments'];
    if (args !== undefined && !isObject(args)) throw new ProtocolError(ErrorCode.InvalidParams, 'arguments must be an object');
    rounds.open(params as Record<string, unknown>, call);
    const { input } = tool.compiled;
    if (input === undefined) return start(tool, args, params, call);
    const checked = input.check(args ?? {});
    return checked instanceof Promise ? checked.then((later) => startChecked(tool, later, params, call)) : startChecked(tool, checked, params, call);
  };

  function startChecked(tool: RegisteredTool, checked: Checked, params: Params, call: Call): Answer | Promise<Answer> {
    if (!checked.ok) return toolError(`Invalid arguments for tool ${tool.name}: ${checked.issues}`, call);
    return start(tool, checked.value, params, call);
  }

  function start(tool: RegisteredTool, args: unknown, params: Params, call: Call): Answer | Promise<Answer> {
    let result: unknown;
    try {
      result = execute(tool, args, call);
    } catch (error) {
      return failed(tool, error, call);
    }
    if (!isThenable(result)) return finish(tool, result, params, call);
    return result.then(
      (value) => finish(tool, value, params, call),
      (error: unknown) => failed(tool, error, call),
    ) as Promise<Answer>;
  }

  function finish(tool: RegisteredTool, returned: unknown, params: Params, call: Call): Answer | Promise<Answer> {
    const result = resultObject(`tool "${tool.name}"`, returned);
    if (result['resultType'] === 'input_required') return rounds.answer(result, params, call);
    if (result['isError'] === true) call.outcome = 'tool_error';
    const { output } = tool.compiled;
    if (output === undefined || result['isError'] === true) return write(tool, result, call);
    const checked = output.check(result['structuredContent']);
    return checked instanceof Promise ? checked.then((later) => finishChecked(tool, result, later, call)) : finishChecked(tool, result, checked, call);
  }

  function finishChecked(tool: RegisteredTool, result: Record<string, unknown>, checked: Checked, call: Call): Answer {
    if (checked.ok) return write(tool, result, call);
    parts.signals.fault.emit({ where: `tools/call ${tool.name}`, error: new TypeError(`structuredContent does not fit outputSchema: ${checked.issues}`) });
    return toolError(`Tool ${tool.name} returned a result that does not fit its output schema`, call);
  }

  function write(tool: RegisteredTool, result: Record<string, unknown>, call: Call): string {
    const whole = Array.isArray(result['content']) ? result : { ...result, content: contentFor(result) };
    return writer.complete(call.era === 'legacy' ? legacyToolResult(whole, tool.compiled.wrapsLegacyOutput) : whole, call);
  }

  function failed(tool: RegisteredTool, error: unknown, call: Call): string {
    if (error instanceof ProtocolError) throw error;
    parts.signals.fault.emit({ where: `tools/call ${tool.name}`, error });
    return toolError(publicMessage(tool.name, error), call);
  }

  function toolError(text: string, call: Call): string {
    call.outcome = 'tool_error';
    return writer.complete({ content: [{ type: 'text', text }], isError: true }, call);
  }
}

/** @throws {ProtocolError} -32602 when there is no such tool. */
function findTool(registry: Registry, params: Params): RegisteredTool {
  const name = params?.['name'];
  if (typeof name !== 'string') throw new ProtocolError(ErrorCode.InvalidParams, 'name must be a string');
  const tool = registry.tools.get(name);
  if (tool === undefined || !tool.enabled) throw new ProtocolError(ErrorCode.InvalidParams, `Unknown tool: ${name.slice(0, 128)}`);
  return tool;
}

/** Structured output alone is repeated as text, for clients that know no other. */
function contentFor(result: Record<string, unknown>): object[] {
  const structured = result['structuredContent'];
  return structured === undefined ? [] : [{ type: 'text', text: JSON.stringify(structured) }];
}

const BUILT_IN_FAULTS = new Set(['TypeError', 'ReferenceError', 'RangeError', 'SyntaxError', 'EvalError', 'URIError', 'AggregateError']);

/**
 * What a client may read of a thrown error: the message of one that the author wrote for it.
 *
 * Faults of the program and of the system (a `TypeError`, a refused connection) name internals: they go to the operator.
 */
export function publicMessage(name: string, error: unknown): string {
  const isAuthors = error instanceof Error && !BUILT_IN_FAULTS.has(error.name) && !('syscall' in error) && !('errno' in error);
  if (isAuthors && error.message !== '') return error.message;
  if (typeof error === 'string' && error !== '') return error;
  return `Tool ${name} failed`;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
