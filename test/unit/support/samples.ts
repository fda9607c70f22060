import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { vi } from 'vitest';

const AsyncFunction = (async () => {}).constructor as new (
  ...parts: string[]
) => (...values: unknown[]) => Promise<unknown>;

/** A document of the project, and its samples of TypeScript. */
export function readDocument(path: string): { readonly text: string; readonly samples: readonly string[] } {
  const text = readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
  return { text, samples: [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = '']) => code) };
}

/** Runs a sample without its imports, which stand in as values, and answers the expression that is asked for. */
export function runSample(sample: string | undefined, values: object, result = 'undefined'): Promise<unknown> {
  const bare = (sample ?? 'throw new Error("no sample")').replace(/^import .*$/gm, '');
  const code = `${stripTypeScriptTypes(bare)}\nreturn ${result};`;
  return new AsyncFunction(...Object.keys(values), code)(...Object.values(values));
}

/** Keeps what is written to `console.error` from now on, a line each, until mocks are restored. */
export function captureErrors(): string[] {
  const written: string[] = [];
  vi.spyOn(console, 'error').mockImplementation((...parts) => void written.push(parts.join(' ')));
  return written;
}
