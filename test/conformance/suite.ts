import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export type Revision = '2026-07-28' | '2025-11-25';

/** Newest first. */
export const REVISIONS: readonly Revision[] = ['2026-07-28', '2025-11-25'];

/** Required scenarios that do not count yet, with the reason. They run and are reported like the unscored ones. */
export const EXCLUDED: Readonly<Record<Revision, ReadonlyMap<string, string>>> = {
  '2026-07-28': new Map(),
  '2025-11-25': new Map(),
};

/** What a revision asks of a server: the scenarios that count, and those that only run, each with its reason. */
export interface Requirements {
  readonly required: readonly string[];
  readonly unscored: ReadonlyMap<string, string>;
}

/** One thing that a scenario checked and found lacking. */
export interface Finding {
  readonly check: string;
  readonly message: string;
}

export interface ScenarioResult {
  readonly scenario: string;
  /** Why it does not count, or undefined where it does. */
  readonly unscoredReason: string | undefined;
  readonly passedChecks: number;
  readonly failures: readonly Finding[];
  readonly warnings: readonly Finding[];
}

interface Check {
  readonly id: string;
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO';
  readonly description: string;
  readonly errorMessage?: string;
}

/** Asks the suite what a revision requires, less what {@link EXCLUDED} holds back. */
export async function listRequirements(revision: Revision): Promise<Requirements> {
  const { output } = await runSuite(['list', '--requirements', revision]);
  const required: string[] = [];
  const unscored = new Map(EXCLUDED[revision]);
  let section = '';
  for (const line of output.split('\n')) {
    const item = /^\s+- (\S+)(?: \[(\w+)\])?$/.exec(line);
    if (item === null) section = line.trim() || section;
    else if (section.startsWith('Server scenarios')) required.push(item[1] ?? '');
    else if (item[2] === 'server') unscored.set(item[1] ?? '', section.replace(/ \(\d+\):$/, ''));
  }
  if (required.length === 0) throw new Error(`the suite lists nothing for ${revision}:\n${output}`);
  return { required: required.filter((scenario) => !unscored.has(scenario)), unscored };
}

/** Runs every scenario of a revision against the server at the URL; a scenario that left no results has failed. */
export async function runRevision(url: string, revision: Revision): Promise<readonly ScenarioResult[]> {
  const { required, unscored } = await listRequirements(revision);
  const folder = await mkdtemp(join(tmpdir(), `conformance-${revision}-`));
  try {
    const { output } = await runSuite(['server', '--url', url, '--requirements', revision, '--output-dir', folder]);
    const folders = await readdir(folder);
    const results: ScenarioResult[] = [];
    for (const scenario of [...required, ...unscored.keys()]) {
      const checks = await readChecks(folder, folders, scenario);
      results.push(toResult(scenario, unscored.get(scenario), checks ?? [noResults(scenario, output)]));
    }
    return results;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The results of one scenario are in a folder which is called after it, its leg and the time. */
async function readChecks(folder: string, folders: readonly string[], scenario: string): Promise<Check[] | undefined> {
  const prefix = `server-${scenario}-`;
  const name = folders.find((one) => one.startsWith(prefix) && /^\d{4}-\d\d-\d\dT/.test(one.slice(prefix.length)));
  if (name === undefined) return undefined;
  try {
    return JSON.parse(await readFile(join(folder, name, 'checks.json'), 'utf8')) as Check[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function noResults(scenario: string, output: string): Check {
  const from = output.indexOf(`Running scenario: ${scenario} `);
  const part = from === -1 ? output.slice(-2_000) : output.slice(from, from + 2_000);
  return { id: scenario, status: 'FAILURE', description: 'left no results', errorMessage: `left no results: ${part}` };
}

function toResult(scenario: string, unscoredReason: string | undefined, checks: readonly Check[]): ScenarioResult {
  const findings = (status: Check['status']): Finding[] =>
    checks
      .filter((check) => check.status === status)
      .map((check) => ({ check: check.id, message: check.errorMessage ?? check.description }));
  return {
    scenario,
    unscoredReason,
    passedChecks: checks.filter((check) => check.status === 'SUCCESS').length,
    failures: findings('FAILURE'),
    warnings: findings('WARNING'),
  };
}

/** Runs the suite's command line. Its exit code says no more than its results do, so only a missing start rejects. */
function runSuite(args: readonly string[]): Promise<{ output: string }> {
  const root = dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json'));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'dist/index.js'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const collect = (chunk: string): void => {
      output += chunk;
    };
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    child.once('error', reject);
    child.once('close', () => resolve({ output }));
  });
}
