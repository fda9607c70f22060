import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { REVISIONS, type Revision, runRevision, type ScenarioResult } from './suite.ts';

export interface RunningFixture {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts the fixture in a process of its own, on a free port, and waits until it listens.
 *
 * @param sessions Whether clients of earlier revisions get sessions.
 * @param lane Whether requests are read straight off the socket; otherwise `node:http` reads all of them.
 */
export async function startFixture(sessions = true, lane = true): Promise<RunningFixture> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./fixture.ts', import.meta.url))], {
    env: { ...process.env, PORT: '0', SESSIONS: String(sessions), LANE: String(lane) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`the fixture ended before it listened: ${code ?? signal}`)));
    createInterface({ input: child.stdout }).once('line', (line) => {
      const listening = /https?:\/\/\S+/.exec(line);
      if (listening === null) reject(new Error(`the fixture printed "${line}" in place of its URL`));
      else resolve(listening[0]);
    });
  });
  return { url, stop: () => stopChild(child) };
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const patience = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await exited;
  clearTimeout(patience);
}

/** The required scenarios that failed. */
export function failedScenarios(results: readonly ScenarioResult[]): readonly ScenarioResult[] {
  return results.filter((result) => result.unscoredReason === undefined && result.failures.length > 0);
}

/** One revision's results as lines for a reader: the score, the failing checks, then what does not count. */
export function toReport(revision: Revision, results: readonly ScenarioResult[]): string {
  const required = results.filter((result) => result.unscoredReason === undefined);
  const failed = failedScenarios(results);
  const lines = [`${revision}  required: ${required.length - failed.length}/${required.length}`];
  for (const result of failed) lines.push(`  failed  ${result.scenario}`, ...toFindingLines(result));
  for (const result of required.filter((one) => one.failures.length === 0 && one.warnings.length > 0)) {
    lines.push(`  warned  ${result.scenario}`, ...toFindingLines(result));
  }
  const unscored = results.filter((result) => result.unscoredReason !== undefined);
  if (unscored.length > 0) lines.push('  unscored:');
  for (const result of unscored) {
    const verdict = result.failures.length === 0 ? 'passed' : 'failed';
    const checks = `${result.passedChecks} of ${result.passedChecks + result.failures.length} checks`;
    lines.push(`  ${verdict}  ${result.scenario} (${result.unscoredReason}): ${checks}`, ...toFindingLines(result));
  }
  return lines.join('\n');
}

function toFindingLines({ failures, warnings }: ScenarioResult): string[] {
  return [
    ...failures.map(({ check, message }) => `            ${check}: ${shorten(message)}`),
    ...warnings.map(({ check, message }) => `            warning ${check}: ${shorten(message)}`),
  ];
}

function shorten(message: string): string {
  const line = message.replaceAll(/\s+/g, ' ');
  return line.length <= 300 ? line : `${line.slice(0, 300)}...`;
}

async function main(): Promise<void> {
  const fixture = await startFixture();
  try {
    for (const revision of REVISIONS) {
      const results = await runRevision(fixture.url, revision);
      console.log(`${toReport(revision, results)}\n`);
      if (failedScenarios(results).length > 0) process.exitCode = 1;
    }
  } finally {
    await fixture.stop();
  }
}

if (import.meta.main) await main();
