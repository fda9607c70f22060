import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { ROOT } from './source-tree.ts';

const folder = mkdtempSync(join(tmpdir(), 'dashboard-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Every file of a build, by its path. */
function filesOf(root: string): Record<string, string> {
  const paths = globSync('**/*.*', { cwd: root }).sort();
  return Object.fromEntries(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')]));
}

function hashesOf(files: Readonly<Record<string, string>>): string[] {
  return Object.entries(files).map(([path, text]) => `${path} ${hash('sha256', text)}`);
}

it('builds the same page each time, which asks for nothing from elsewhere', () => {
  execFileSync(join(ROOT, 'node_modules/.bin/vite'), ['build', 'dashboard', '--outDir', folder, '--emptyOutDir'], {
    cwd: ROOT,
  });
  const built = filesOf(folder);
  expect(hashesOf(built)).toEqual(hashesOf(filesOf(join(ROOT, 'dist/dashboard'))));
  const names = Object.keys(built).map((path) => path.replace(/-[\w-]{8}\./, '.'));
  expect(names.sort()).toEqual(['assets/icon.svg', 'assets/index.css', 'assets/index.js', 'index.html', 'licenses.md']);
  const html = built['index.html'] ?? '';
  expect(html).not.toMatch(/<script>|<style|style=|https?:/);
  expect(Object.values(built).join('').length).toBeLessThan(200_000);
  expect(Object.values(built).join('')).not.toContain(ROOT);
  expect(built['licenses.md']).toMatch(/preact[\s\S]*uplot/i);
});
