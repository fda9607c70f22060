import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { fileURLToPath } from 'node:url';
import { contenderOf, packageVersion } from './contenders.ts';
import { canPin } from './processes.ts';

export interface MachineFacts {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMb: number;
  readonly kernel: string;
  readonly node: string;
  readonly v8: string;
  /** Commit of the tree, with `+` when it has changes. */
  readonly commit: string;
  readonly pinned: boolean;
  /** Load average over one minute before the run: other work on this machine. */
  readonly loadBefore: number;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

function git(...args: string[]): string {
  return spawnSync('git', args, { cwd: ROOT }).stdout?.toString().trim() ?? '';
}

export function machineFacts(): MachineFacts {
  const commit = git('rev-parse', '--short=12', 'HEAD');
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryMb: Math.round(totalmem() / 1_048_576),
    kernel: `${type()} ${release()}`,
    node: process.version,
    v8: process.versions.v8,
    commit: /^[0-9a-f]{12}$/.test(commit) ? commit + (git('status', '--porcelain') === '' ? '' : '+') : 'none',
    pinned: canPin,
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}

/** What each contender consists of. */
export function contenderVersions(names: readonly string[]): Record<string, Record<string, string>> {
  const own = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { version: string };
  const versions: Record<string, Record<string, string>> = {};
  for (const name of names) {
    const entry: Record<string, string> = { node: process.version };
    if (/peregrine|lane/.test(name)) entry['peregrine-mcp'] = own.version;
    for (const dependency of contenderOf(name).packages) entry[dependency] = packageVersion(dependency);
    versions[name] = entry;
  }
  return versions;
}
