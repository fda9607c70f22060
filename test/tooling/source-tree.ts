import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');
const CONFIGURATION = ['.dependency-cruiser.mjs', 'layers.json', 'biome.json', 'tsconfig.json', 'package.json'];

/** A temporary source tree under this repository's own configuration files. */
export class SourceTree implements Disposable {
  readonly #path = mkdtempSync(join(tmpdir(), 'peregrine-tree-'));

  constructor(files: Readonly<Record<string, string>>) {
    for (const name of CONFIGURATION) cpSync(join(ROOT, name), join(this.#path, name));
    symlinkSync(join(ROOT, 'node_modules'), join(this.#path, 'node_modules'));
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.#path, name)), { recursive: true });
      writeFileSync(join(this.#path, name), text);
    }
  }

  /** Runs the checks as `npm run check` does. */
  check(...steps: readonly string[]): { passed: boolean; output: string } {
    const script = join(ROOT, 'scripts/check.ts');
    const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' };
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...steps], {
      cwd: this.#path,
      env,
      encoding: 'utf8',
    });
    return { passed: status === 0, output: stdout + stderr };
  }

  [Symbol.dispose](): void {
    rmSync(this.#path, { recursive: true, force: true });
  }
}
