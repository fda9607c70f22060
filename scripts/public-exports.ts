/** The public exports of the built package, and the committed list that pins them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(import.meta.dirname, '..');
export const EXPORTS_LIST = join(root, 'test/tooling/public-exports.txt');

export async function builtExports(): Promise<string[]> {
  return Object.keys(await import(pathToFileURL(join(root, 'dist/index.js')).href)).sort();
}

/** @returns The committed names, or undefined while there is no list. */
export function pinnedExports(): string[] | undefined {
  return existsSync(EXPORTS_LIST) ? readFileSync(EXPORTS_LIST, 'utf8').split('\n').filter(Boolean) : undefined;
}
