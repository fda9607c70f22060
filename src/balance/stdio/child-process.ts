import { type ChildProcess, spawn } from 'node:child_process';
import type { Clock } from '../../kernel/clock.ts';
import { childEnvironment } from '../../kernel/environment.ts';
import { toMessage } from '../../kernel/errors.ts';
import { LineReader } from '../../transport/transport.ts';
import { guardGroup, releaseGroup } from './group-guardian.ts';

/** How a child is started. */
export interface ChildCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly maxMessageBytes: number;
  /** How long a child may take to end before it is killed. */
  readonly graceMs: number;
}

/** What a child tells. */
export interface ChildEvents {
  /** A line of its standard output. */
  line(text: string): void;
  /** A line exceeded the limit and was passed over. */
  tooLong(): void;
  /** A line of its standard error. */
  said(text: string): void;
  /** It takes nothing more; what it said last is still to be read. */
  exited(): void;
  /** It has ended, or could not be started. Told once, as the last. */
  ended(reason: string): void;
}

/** A process that reads lines and writes lines. */
export interface ChildIo {
  readonly pid: number | undefined;
  write(line: string): void;
  /** Ends it and all that it started; resolves when it is gone. */
  end(): Promise<void>;
}

export type Launch = (command: ChildCommand, events: ChildEvents, clock: Clock) => ChildIo;

/** How long it is read on after a child has ended. */
const READ_ON_MS = 1_000;
/** Longest line of standard error that is logged, in bytes. */
const MAX_SAID_BYTES = 4_096;
/** Most that waits for a child to read it, as messages of the longest kind and at least in bytes. */
const MAX_UNREAD_MESSAGES = 8;
const MIN_UNREAD_BYTES = 16_777_216;

/** Starts a process in a group of its own, so that all of it can be ended. */
export const launchProcess: Launch = (command, events, clock) => {
  let child: ChildProcess;
  try {
    child = spawnGroup(command);
  } catch (error) {
    // Some failures are thrown, such as a lack of memory, others are told.
    events.ended(`could not be started: ${toMessage(error)}`);
    return { pid: undefined, write: () => {}, end: () => Promise.resolve() };
  }
  const { pid, stdin } = child;
  if (pid !== undefined) guardGroup(pid);
  const gone = Promise.withResolvers<void>();
  let isOver = false;
  let hasExited = false;
  let killedFor: string | undefined;
  const signal = (name: NodeJS.Signals): void => {
    if (pid !== undefined && !hasExited) signalGroup(pid, name);
  };
  const over = (reason: string): void => {
    if (isOver) return;
    isOver = true;
    events.ended(reason);
    gone.resolve();
  };
  child.once('error', (error) => over(`could not be started: ${error.message}`));
  child.once('exit', (code, by) => {
    const reason = killedFor ?? (by === null ? `ended with code ${code}` : `was ended by ${by}`);
    signal('SIGKILL'); // What it left behind goes with it.
    hasExited = true; // From here on its number may be another one's.
    if (pid !== undefined) releaseGroup(pid);
    events.exited();
    // What it said last is still to be read; who left the group may hold the pipe open.
    const cancel = clock.after(READ_ON_MS, () => over(reason));
    child.once('close', () => {
      cancel();
      over(reason);
    });
  });
  read(child, command.maxMessageBytes, events, () => isOver);
  const maxUnread = Math.max(MIN_UNREAD_BYTES, MAX_UNREAD_MESSAGES * command.maxMessageBytes);
  return {
    pid,
    write: (line) => {
      if (isOver || stdin?.writable !== true) return;
      stdin.write(`${line}\n`);
      if (stdin.writableLength <= maxUnread || killedFor !== undefined) return;
      killedFor = 'did not read its input';
      signal('SIGKILL');
    },
    end: () => {
      if (isOver || pid === undefined) return gone.promise;
      stdin?.end();
      signal('SIGTERM');
      const cancel = clock.after(command.graceMs, () => signal('SIGKILL'));
      return gone.promise.then(cancel);
    },
  };
};

/** Its streams are missing where even their descriptors cannot be had. */
function spawnGroup({ command, args, cwd, env }: ChildCommand): ChildProcess {
  return spawn(command, args, {
    cwd,
    env: childEnvironment(env),
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    windowsHide: true,
  });
}

function read(
  { stdin, stdout, stderr }: ChildProcess,
  maxBytes: number,
  events: ChildEvents,
  isOver: () => boolean,
): void {
  const unlessOver =
    (tell: (text: string) => void) =>
    (text: string): void => {
      if (!isOver()) tell(text);
    };
  const lines = new LineReader(maxBytes, { line: unlessOver(events.line), tooLong: events.tooLong });
  const said = new LineReader(MAX_SAID_BYTES, { line: unlessOver(events.said), tooLong: () => {} });
  stdin?.on('error', () => {}); // The child has closed its input: it is about to end.
  stdout?.on('data', (chunk: Buffer) => lines.push(chunk)).on('error', () => {});
  stderr?.on('data', (chunk: Buffer) => said.push(chunk)).on('error', () => {});
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // Nobody is left in it, or (without groups) the process has to do.
    try {
      process.kill(pid, signal);
    } catch {
      // Gone.
    }
  }
}
