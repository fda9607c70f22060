/** Reads a URL once a second, as Prometheus would, in a process of its own on the load generator's core. Argument: the URL. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { canPin } from '../harness/processes.ts';

const EVERY_MS = 1_000;
const GENERATOR_CORE = '1';
const SELF = fileURLToPath(import.meta.url);
const ACCEPT = 'application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';

/** Starts it; it ends with this process. */
export function startScraper(url: string): void {
  const command = [process.execPath, SELF, url];
  const [file = '', ...rest] = canPin ? ['taskset', '-c', GENERATOR_CORE, ...command] : command;
  spawn(file, rest, { stdio: ['pipe', 'ignore', 'inherit'] }).unref();
}

if (process.argv[1] === SELF) {
  process.stdin.on('end', () => process.exit(0)).resume();
  setInterval(async () => {
    const response = await fetch(process.argv[2] as string, { headers: { accept: ACCEPT } });
    if (!response.ok || !(await response.text()).includes('mcp_server_requests')) process.exit(1);
  }, EVERY_MS);
}
