import { type ChildProcess, spawn } from 'node:child_process';
import type { Clock } from '../../kernel/clock.ts';
import { childEnvironment } from '../../kernel/environment.ts';
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

/** Longest line of standard error that is logged, in bytes. */
const MAX_SAID_BYTES = 4_096;

/** Starts a process in a group of its own, so that all of it can be ended. */
export const launchProcess: Launch = (command, events, clock) => {
  const { command: program, args, cwd, env, maxMessageBytes } = command;
  const child = spawn(program, args, {
    cwd,
    env: childEnvironment(env),
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    windowsHide: true,
  });
  const { pid } = child;
  if (pid !== undefined) guardGroup(pid);
  const gone = Promise.withResolvers<void>();
  let isOver = false;
  const over = (reason: string): void => {
    if (isOver) return;
    isOver = true;
    if (pid !== undefined) {
      signalGroup(pid, 'SIGKILL'); // What it left behind goes with it.
      releaseGroup(pid);
    }
    events.ended(reason);
    gone.resolve();
  };
  child.once('error', (error) => over(`could not be started: ${error.message}`));
  // Not 'close': what it started may hold its pipes open.
  child.once('exit', (code, signal) =>
    setImmediate(over, signal === null ? `ended with code ${code}` : `was ended by ${signal}`),
  );
  read(child, maxMessageBytes, events, () => isOver);
  return {
    pid,
    write: (line) => {
      if (!isOver && child.stdin.writable) child.stdin.write(`${line}\n`);
    },
    end: () => {
      if (isOver || pid === undefined) return gone.promise;
      child.stdin.end();
      signalGroup(pid, 'SIGTERM');
      const cancel = clock.after(command.graceMs, () => signalGroup(pid, 'SIGKILL'));
      return gone.promise.then(cancel);
    },
  };
};

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
