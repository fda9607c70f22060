import { FlightCall } from './flight-call.ts';
import { TaskCall } from './task-call.ts';
import type { ToolExecutor } from './tools.ts';

/** Runs what a call does at the place of that call in its trace; `meta` is the request's. */
export type RunTraced = <R>(call: object, meta: unknown, work: () => R) => R;

/** An executor whose tools run so that spans which they make are below that of their request. */
export function traced(execute: ToolExecutor, run: RunTraced): ToolExecutor {
  return (tool, args, call) => {
    const request = call instanceof FlightCall || call instanceof TaskCall ? call.first : call;
    return run(request, call._meta, () => execute(tool, args, call));
  };
}
