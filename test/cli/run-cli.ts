import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built `peregrine` command to its end. */
export function runCli(...args: string[]): Promise<CliResult> {
  return runNode([MAIN, ...args]);
}

/** The same under a Node.js that says it is this version. */
export function runAsNode(version: string, ...args: string[]): Promise<CliResult> {
  return runNode(['--import', pretendVersion(version), MAIN, ...args]);
}

/** A module to `--import` that makes Node.js call itself this version. */
export function pretendVersion(version: string): string {
  const script = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`;
  return `data:text/javascript,${encodeURIComponent(script)}`;
}

export async function runNode(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<CliResult> {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const code = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}

/** What a failure must look like: exit code 1, nothing on standard output, one line that says what to do. */
export function failure(line: string): CliResult {
  return { code: 1, stdout: '', stderr: `peregrine: ${line}\n` };
}
