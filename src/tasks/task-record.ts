import type { DetailedTask, InputRequest, TaskStatus } from '../wire/wire.ts';

/** One thing that a task waits for. */
export interface AskedInput {
  /** The handler's own key for it. */
  readonly key: string;
  readonly request: InputRequest;
}

/** A task as it is kept: all that another instance needs to answer for it, or to go on with it. */
export interface TaskRecord {
  readonly id: string;
  readonly tool: string;
  /** Whose it is; `null` for callers whose credentials nothing checks. */
  readonly principal: string | null;
  readonly status: TaskStatus;
  readonly message?: string | undefined;
  /** Milliseconds since 1970, as all times of a record. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly ttlMs: number;
  readonly pollIntervalMs: number;
  /** The instance that runs it, while it is `working`. */
  readonly owner: string;
  /** The arguments as the client sent them: a handler that is entered again gets them again. */
  readonly args: Record<string, unknown> | undefined;
  /** What the client still owes, by keys that no other request of this task had. */
  readonly asked: { readonly [key: string]: AskedInput };
  /** What it gave since the handler asked last, by the handler's keys. */
  readonly given: { readonly [key: string]: unknown };
  /** How often each of the handler's keys was asked for. */
  readonly uses: { readonly [key: string]: number };
  /** What the handler wanted to remember when it asked. */
  readonly state?: string | undefined;
  readonly result?: { readonly [key: string]: unknown } | undefined;
  readonly error?: DetailedTask['error'];
}

/** A change of a record; nothing where it does not apply any more. */
export type Transition = (record: TaskRecord) => TaskRecord | undefined;

/** Longest status message that is kept, in characters. */
const MAX_MESSAGE = 1_000;

/** Whether nothing about a task will change any more. */
export function isTerminal({ status }: TaskRecord): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

/** When a task may be forgotten. */
export function endOf({ createdAt, ttlMs }: TaskRecord): number {
  return createdAt + ttlMs;
}

/** A word on how far it is. */
export function reported(message: string, now: number): Transition {
  return (record) => (record.status === 'working' ? moved(record, { message }, now) : undefined);
}

/** The handler asks the client for something. A key that it asked for before stands for a new request, so the client gets another one. */
export function asking(
  requests: { readonly [key: string]: InputRequest },
  state: string | undefined,
  now: number,
): Transition {
  return (record) => {
    if (record.status !== 'working') return undefined;
    const uses: Record<string, number> = { ...record.uses };
    const asked = Object.entries(requests).map(([key, request]) => {
      const count = (Object.hasOwn(uses, key) ? (uses[key] as number) : 0) + 1;
      setOwn(uses, key, count);
      return [count === 1 && !key.includes('#') ? key : `${key}#${count}`, { key, request }] as const;
    });
    const change = { status: 'input_required', owner: '', asked: Object.fromEntries(asked), given: {}, uses, state };
    return moved(record, { ...change, message: undefined } as Partial<TaskRecord>, now);
  };
}

/**
 * The client gives what the task waits for, all of it or some; what it does not wait for is left out. With the last of it the
 * task goes on, run by the instance that is named.
 */
export function answering(responses: { readonly [key: string]: unknown }, owner: string, now: number): Transition {
  return (record) => {
    if (record.status !== 'input_required') return undefined;
    const owed = Object.entries(record.asked);
    const [met, open] = [
      owed.filter(([key]) => Object.hasOwn(responses, key)),
      owed.filter(([key]) => !Object.hasOwn(responses, key)),
    ];
    if (met.length === 0) return undefined;
    const news = met.map(([key, { key: own }]) => [own, responses[key]] as const);
    const given = Object.fromEntries([...Object.entries(record.given), ...news]);
    const asked = Object.fromEntries(open);
    return moved(record, open.length > 0 ? { asked, given } : { asked, given, status: 'working', owner }, now);
  };
}

/** The handler has its result; one that says `isError` is a result like any other. Only who runs the task can say so. */
export function completing(result: { readonly [key: string]: unknown }, owner: string, now: number): Transition {
  return (record) =>
    record.status === 'working' && record.owner === owner
      ? ended(record, { status: 'completed', result, message: undefined }, now)
      : undefined;
}

/** A JSON-RPC error takes the place of a result. */
export function failing(error: NonNullable<DetailedTask['error']>, now: number): Transition {
  return (record) =>
    isTerminal(record) ? undefined : ended(record, { status: 'failed', error, message: error.message }, now);
}

export function cancelling(now: number): Transition {
  return (record) =>
    isTerminal(record) ? undefined : ended(record, { status: 'cancelled', message: 'Cancelled by the client' }, now);
}

/** The task as clients see it. */
export function viewOf(record: TaskRecord): DetailedTask {
  const { status, asked, result, error } = record;
  const requests = Object.entries(asked).map(([key, { request }]) => [key, request] as const);
  return {
    ...handleOf(record),
    ...(status === 'input_required' ? { inputRequests: Object.fromEntries(requests) } : {}),
    ...(result === undefined ? {} : { result }),
    ...(error === undefined ? {} : { error }),
  };
}

/** What a client gets in place of a result: the same without anything that depends on the status. */
export function handleOf(record: TaskRecord): DetailedTask {
  const { id, status, message, createdAt, updatedAt, ttlMs, pollIntervalMs } = record;
  return {
    taskId: id,
    status,
    ...(message === undefined ? {} : { statusMessage: message }),
    createdAt: new Date(createdAt).toISOString(),
    lastUpdatedAt: new Date(updatedAt).toISOString(),
    ttlMs,
    pollIntervalMs,
  };
}

function moved(record: TaskRecord, change: Partial<TaskRecord>, now: number): TaskRecord {
  const next = { ...record, ...change, updatedAt: Math.max(now, record.updatedAt) };
  return next.message === undefined ? next : { ...next, message: next.message.slice(0, MAX_MESSAGE) };
}

/** Nothing but the outcome is kept of a task that is over. */
function ended(record: TaskRecord, change: Partial<TaskRecord>, now: number): TaskRecord {
  const rest = { owner: '', args: undefined, asked: {}, given: {}, uses: {}, state: undefined };
  return moved(record, { ...rest, ...change }, now);
}

/** A member of its own, whatever its name. */
function setOwn(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}
