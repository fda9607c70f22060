import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface LineProcessOptions {
  readonly cwd?: string | undefined;
  readonly env?: NodeJS.ProcessEnv;
}

/** A program of Node.js with the lines that it writes. */
export class LineProcess {
  readonly child: ChildProcess;
  /** What it wrote, on both streams, in the order of arrival. */
  readonly lines: string[] = [];
  readonly #errors: string[] = [];
  readonly #closed: Promise<unknown[]>;
  readonly #waiting = new Set<() => void>();
  #isClosed = false;

  constructor(args: readonly string[], { cwd, env = {} }: LineProcessOptions = {}) {
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
    const child = spawn(process.execPath, args, { stdio, cwd, env: { ...process.env, ...env } });
    this.child = child;
    this.#closed = once(child, 'close');
    this.#closed.catch(() => {}); // Whoever waits for its end is told.
    child.once('close', () => {
      this.#isClosed = true;
      this.#check();
    });
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input }).on('line', (line) => {
        if (input === child.stderr) this.#errors.push(line);
        this.lines.push(line);
        this.#check();
      });
    }
  }

  /** Waits until a line fits that comes after so many others; fails when the process ends without it. */
  line(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const found = this.lines.slice(from).find((line) => pattern.test(line));
        if (found === undefined && !this.#isClosed) return;
        this.#waiting.delete(check);
        if (found === undefined) reject(new Error(`it ended without ${pattern}:\n${this.lines.join('\n')}`));
        else resolve(pattern.exec(found) as RegExpExecArray);
      };
      this.#waiting.add(check);
      check();
    });
  }

  /** How the process ended, by its code or a signal, once all it wrote has been read. */
  async end(signal?: NodeJS.Signals): Promise<{ readonly code: unknown; readonly stderr: string }> {
    if (signal !== undefined) this.child.kill(signal);
    const [code, killedBy] = await this.#closed;
    return { code: code ?? killedBy, stderr: this.#errors.map((line) => `${line}\n`).join('') };
  }

  #check(): void {
    for (const check of [...this.#waiting]) check();
  }
}
