import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export const MAIN = fileURLToPath(new URL('../../examples/catalogue/main.ts', import.meta.url));

/** The example as a user starts it, with what it prints. */
export class CatalogueProcess {
  readonly lines: string[] = [];
  readonly child: ChildProcess;
  readonly #stderr: Promise<string>;
  readonly #closed: Promise<unknown[]>;
  readonly #waiting = new Set<() => void>();

  constructor(environment: NodeJS.ProcessEnv) {
    const child = spawn(process.execPath, [MAIN], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ...{ PORT: '0', HOST: '127.0.0.1', PROMETHEUS_PORT: '0', DASHBOARD_PORT: '0' },
        ...environment,
      },
    });
    this.child = child;
    this.#stderr = text(child.stderr);
    this.#closed = once(child, 'close');
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.lines.push(line);
      for (const check of this.#waiting) check();
    });
    this.#closed.then(
      () => {
        for (const check of this.#waiting) check();
      },
      () => undefined,
    );
  }

  /** Waits until a line is printed that fits; fails when the process ends without it. */
  line(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const match = this.lines.map((line) => pattern.exec(line)).find((found) => found !== null);
        if (match) resolve(match);
        else if (this.child.exitCode === null && this.child.signalCode === null) return;
        else
          this.#stderr.then((stderr) => reject(new Error(`the example ended without ${pattern}: ${stderr}`)), reject);
        this.#waiting.delete(check);
      };
      this.#waiting.add(check);
      check();
    });
  }

  async url(): Promise<string> {
    const [, url = ''] = await this.line(/^The catalogue is served at (\S+)$/);
    return url;
  }

  /** How the process ended, once all it wrote has been read. */
  async end(signal?: NodeJS.Signals): Promise<{ code: unknown; stderr: string }> {
    if (signal !== undefined) this.child.kill(signal);
    const [code, killedBy] = await this.#closed;
    return { code: code ?? killedBy, stderr: await this.#stderr };
  }
}
