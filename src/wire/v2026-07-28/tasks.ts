import { isObject } from '../json.ts';
import { ErrorCode, ProtocolError } from '../jsonrpc.ts';
import type { InputRequest } from '../mcp.ts';

/** The extension by which a tool answers with a handle, and its result is asked for later. */
export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

export type TaskStatus = 'working' | 'input_required' | 'completed' | 'failed' | 'cancelled';

/** A task as clients see it; what stands beside the common members depends on its status. */
export interface DetailedTask {
  readonly taskId: string;
  readonly status: TaskStatus;
  readonly statusMessage?: string;
  /** ISO 8601. */
  readonly createdAt: string;
  /** ISO 8601. */
  readonly lastUpdatedAt: string;
  /** How long it is kept from its creation on, in milliseconds. */
  readonly ttlMs: number;
  readonly pollIntervalMs: number;
  /** What the client is to fulfil, of a task with the status `input_required`. */
  readonly inputRequests?: { readonly [key: string]: InputRequest };
  /** The tool's result, of a completed task. */
  readonly result?: { readonly [key: string]: unknown };
  /** The JSON-RPC error, of a failed task. */
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** Whether a request's client can follow tasks. */
export function declaresTasks(capabilities: { readonly [name: string]: unknown }): boolean {
  const { extensions } = capabilities;
  return isObject(extensions) && isObject(extensions[TASKS_EXTENSION]);
}

/** The answer to a client that does not say that it can follow tasks. */
export function tasksNotDeclared(): ProtocolError {
  return new ProtocolError(
    ErrorCode.MissingClientCapability,
    `The client lacks a capability that this request needs: ${TASKS_EXTENSION}`,
    { requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } } },
  );
}
