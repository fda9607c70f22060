import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { LineProcess } from '../services/line-process.ts';

const SOURCE = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const BUILT = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
export const PROGRAM = fileURLToPath(new URL('program.ts', import.meta.url));

export interface CommandOptions {
  readonly cwd?: string;
  /** Runs what is built rather than the source. @default false */
  readonly isBuilt?: boolean;
}

/** `peregrine` as a user runs it, ended with the test. */
export class Command extends LineProcess {
  constructor(args: readonly string[], { cwd, isBuilt = false }: CommandOptions = {}) {
    super([isBuilt ? BUILT : SOURCE, ...args], { cwd });
    onTestFinished(async () => {
      await this.end('SIGTERM');
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
