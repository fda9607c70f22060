import { describe } from '../kernel/errors.ts';

/** What can change hands instead of being copied. */
export type Transferable = ArrayBuffer | MessagePort;

/** To a worker. */
export type ToWorker =
  | {
      readonly run: number;
      readonly task: string;
      readonly input: unknown;
      /** Where the task is; only told a worker that has not run it before. */
      readonly from?: { readonly module: string; readonly exportName: string };
    }
  | { readonly cancel: number }
  | { readonly end: true };

/** From a worker. */
export type FromWorker =
  | { readonly ready: true }
  | { readonly loaded: number }
  | { readonly done: number; readonly result: unknown }
  | { readonly failed: number; readonly phase: 'load' | 'run' | 'clone'; readonly error: PortableError }
  | { readonly uncaught: PortableError };

/** An error as it goes from one process to another. */
export interface PortableError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: string | number | undefined;
  readonly cause: PortableError | undefined;
}

const MAX_CAUSES = 5;

/** What is kept of anything thrown: structured clone loses the names of authors' own classes and their codes. */
export function toPortable(thrown: unknown, depth = 0): PortableError {
  if (!(thrown instanceof Error)) {
    const message = typeof thrown === 'string' ? thrown : `${describe(thrown)} was thrown`;
    return { name: 'Error', message, stack: undefined, code: undefined, cause: undefined };
  }
  const { code } = thrown as { readonly code?: unknown };
  const isNamed = thrown.name !== 'Error' || thrown.constructor === Error;
  return {
    name: String(isNamed ? thrown.name : thrown.constructor.name),
    message: String(thrown.message),
    stack: typeof thrown.stack === 'string' ? thrown.stack : undefined,
    code: typeof code === 'string' || typeof code === 'number' ? code : undefined,
    cause: thrown.cause === undefined || depth >= MAX_CAUSES ? undefined : toPortable(thrown.cause, depth + 1),
  };
}

/** The error again, of the class `Error` but with its own name. */
export function fromPortable({ name, message, stack, code, cause }: PortableError): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause: fromPortable(cause) });
  const hidden = { configurable: true, writable: true, enumerable: false };
  Object.defineProperty(error, 'name', { ...hidden, value: name });
  Object.defineProperty(error, 'stack', { ...hidden, value: stack ?? `${name}: ${message}` });
  if (code !== undefined) Object.assign(error, { code });
  return error;
}
