import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const SOURCE = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const BUILT = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
export const PROGRAM = fileURLToPath(new URL('program.ts', import.meta.url));

export interface CommandOptions {
  readonly cwd?: string;
  /** Runs what is built rather than the source. @default false */
  readonly isBuilt?: boolean;
}

/** `peregrine` as a user runs it, ended with the test. */
export class Command {
  readonly child: ChildProcess;
  /** What it said, on both streams, in the order of arrival. */
  readonly lines: string[] = [];
  readonly #closed: Promise<unknown[]>;
  readonly #waiting = new Set<() => void>();

  constructor(args: readonly string[], { cwd, isBuilt = false }: CommandOptions = {}) {
    const child = spawn(process.execPath, [isBuilt ? BUILT : SOURCE, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd,
    });
    this.child = child;
    this.#closed = once(child, 'close');
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input }).on('line', (line) => {
        this.lines.push(line);
        for (const check of this.#waiting) check();
      });
    }
    this.#closed.then(
      () => {
        for (const check of this.#waiting) check();
      },
      () => undefined,
    );
    onTestFinished(async () => {
      await this.end('SIGTERM');
    });
  }

  /** Waits until a line fits that comes after so many others; fails when the process ends without it. */
  line(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const match = this.lines
          .slice(from)
          .map((line) => pattern.exec(line))
          .find((found) => found !== null);
        if (match) resolve(match);
        else if (this.child.exitCode === null && this.child.signalCode === null) return;
        else reject(new Error(`it ended without ${pattern}:\n${this.lines.join('\n')}`));
        this.#waiting.delete(check);
      };
      this.#waiting.add(check);
      check();
    });
  }

  async url(): Promise<string> {
    return (await this.line(/^listening on (\S+)$/))[1] ?? '';
  }

  async metricsUrl(): Promise<string> {
    return (await this.line(/^metrics on (\S+)$/))[1] ?? '';
  }

  /** Waits until so many instances have become ready. */
  async ready(count: number): Promise<void> {
    for (let from = 0, left = count; left > 0; left--) {
      await this.line(/instance \d+ is ready/, from);
      from += this.lines.slice(from).findIndex((line) => /instance \d+ is ready/.test(line)) + 1;
    }
  }

  /** How the process ended, once all it wrote has been read. */
  async end(signal?: NodeJS.Signals): Promise<unknown> {
    if (signal !== undefined) this.child.kill(signal);
    const [code, killedBy] = await this.#closed;
    return code ?? killedBy;
  }
}

/** `peregrine start`, with these arguments. */
export class Supervised extends Command {
  constructor(...args: readonly string[]) {
    super(['start', ...args]);
  }
}

/** Starts the program of these tests as so many instances, and waits until all of them serve. */
export async function startProgram(
  instances: number,
  ...args: readonly string[]
): Promise<Supervised & { at: string }> {
  const supervised = new Supervised(PROGRAM, '--instances', String(instances), ...args);
  const at = await supervised.url();
  await supervised.ready(instances);
  return Object.assign(supervised, { at });
}
