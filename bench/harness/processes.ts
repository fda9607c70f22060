import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const KILL_AFTER_MS = 2_000;
const STDERR_LIMIT = 4_000;
/** Keeps the stripping of types, about 16 MB and 50 ms, out of the measured processes. */
const COMPILE_CACHE = join(tmpdir(), 'peregrine-bench-compile-cache');

const running = new Set<ChildProcess>();
let guarded = false;

/** Whether processes can be pinned to cores here. */
export const canPin: boolean = spawnSync('taskset', ['-c', '1', 'true']).status === 0;

export interface StartedProcess {
  readonly pid: number;
  /** The next line on stdout, within the time limit. */
  readonly nextLine: (timeoutMs: number) => Promise<string>;
  /** Writes one line to its stdin. */
  readonly send: (line: string) => void;
  readonly stop: () => Promise<void>;
}

export interface StartOptions {
  /** Core to pin to, where that is possible. @default not pinned */
  readonly core?: number;
  readonly nodeArguments?: readonly string[];
  readonly script: string;
  readonly scriptArguments?: readonly string[];
}

/** Ends every process that is still running when this one ends, however that comes about. */
function guard(): void {
  if (guarded) return;
  guarded = true;
  process.on('exit', () => {
    for (const child of running) child.kill('SIGKILL');
  });
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.once(signal, () => process.exit(code));
  }
}

/** Ends one child by its own pid: SIGTERM, then SIGKILL. */
function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill('SIGTERM');
  });
}

function describeExit(child: ChildProcess, script: string, stderr: string): Error {
  return new Error(`${script} ended early (${child.signalCode ?? `code ${child.exitCode}`})\n${stderr}`.trimEnd());
}

/** Starts a script under this Node.js. The child ends when its stdin does, i.e. with this process. */
export function startScript(options: StartOptions): StartedProcess {
  guard();
  const { core, script, nodeArguments = [], scriptArguments = [] } = options;
  const command = [process.execPath, ...nodeArguments, script, ...scriptArguments];
  const [file, ...rest] = canPin && core !== undefined ? ['taskset', '-c', String(core), ...command] : command;
  const child = spawn(file as string, rest, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, BENCH_CHILD: '1', NODE_NO_WARNINGS: '1', NODE_COMPILE_CACHE: COMPILE_CACHE },
  });
  running.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_LIMIT);
  });
  child.stdin.on('error', () => {});
  child.once('exit', () => running.delete(child));
  const takeLine = (): string | undefined => {
    const end = stdout.indexOf('\n');
    if (end < 0) return undefined;
    const line = stdout.slice(0, end);
    stdout = stdout.slice(end + 1);
    return line;
  };
  const nextLine = (timeoutMs: number): Promise<string> =>
    new Promise((resolve, reject) => {
      const settle = (settled: () => void): void => {
        clearTimeout(timer);
        child.stdout.off('data', check);
        child.off('close', onClose);
        child.off('error', reject);
        settled();
      };
      const check = (): void => {
        const line = takeLine();
        if (line !== undefined) settle(() => resolve(line));
      };
      const onClose = (): void => settle(() => reject(describeExit(child, script, stderr)));
      const timer = setTimeout(
        () => settle(() => reject(new Error(`${script}: nothing on stdout for ${timeoutMs} ms\n${stderr}`))),
        timeoutMs,
      );
      child.stdout.on('data', check);
      child.once('error', reject);
      child.once('close', onClose);
      check();
    });
  return {
    pid: child.pid ?? -1,
    nextLine,
    send: (line) => void child.stdin.write(`${line}\n`),
    stop: () => stopChild(child),
  };
}
