/**
 * Runs the checks of the repository, all of them or the named ones, and reports each.
 *
 *     node scripts/check.ts [--report <file>] [types] [lint] [layers] [suppressions] [package]
 *
 * It checks the tree that is the working directory.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';

const scripts = import.meta.dirname;
const env = { ...process.env, PATH: [join(scripts, '../node_modules/.bin'), process.env.PATH].join(delimiter) };
const cruised = ['src', 'examples', 'dashboard'].filter((folder) => existsSync(folder));

const STEPS: Readonly<Record<string, readonly string[]>> = {
  types: ['tsc', '-p', 'tsconfig.json'],
  'dashboard types': ['tsc', '-p', 'dashboard/tsconfig.json'],
  lint: ['biome', 'check', '--error-on-warnings', '--diagnostic-level=warn', '--max-diagnostics=200'],
  layers: ['depcruise', '--config', '.dependency-cruiser.mjs', ...cruised],
  suppressions: ['node', join(scripts, 'check-suppressions.ts')],
  package: ['node', join(scripts, 'check-package.ts')],
};

const { values, positionals } = parseArgs({ options: { report: { type: 'string' } }, allowPositionals: true });
const unknown = positionals.filter((name) => !(name in STEPS));
if (unknown.length > 0) {
  console.error(`unknown check: ${unknown.join(', ')} (there are: ${Object.keys(STEPS).join(', ')})`);
  process.exit(2);
}

const failed: string[] = [];
const names = positionals.length > 0 ? positionals : Object.keys(STEPS);
for (const name of names) {
  const [command = '', ...args] = STEPS[name] ?? [];
  console.log(`\n--- ${name}: ${command} ${args.join(' ')}`);
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env });
  if (error) console.error(error.message);
  if (status !== 0) failed.push(name);
}

console.log('');
for (const name of names) console.log(`${failed.includes(name) ? 'FAILED' : 'passed'} ${name}`);
if (values.report)
  writeFileSync(values.report, JSON.stringify({ passed: names.length - failed.length, failed: failed.length }));
process.exitCode = failed.length > 0 ? 1 : 0;
