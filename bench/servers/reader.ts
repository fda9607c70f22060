/**
 * Reads metrics once a second, as Prometheus would, or watches a dashboard, as an open page does: in a process of its own on the
 * load generator's core. Argument: the URL, of `/metrics` or of the dashboard's WebSocket.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { canPin } from '../harness/processes.ts';

const EVERY_MS = 1_000;
const GENERATOR_CORE = '1';
const SELF = fileURLToPath(import.meta.url);
const ACCEPT = 'application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';

/** Starts it; it ends with this process. */
export function startReader(url: string): void {
  const command = [process.execPath, SELF, url];
  const [file = '', ...rest] = canPin ? ['taskset', '-c', GENERATOR_CORE, ...command] : command;
  spawn(file, rest, { stdio: ['pipe', 'ignore', 'inherit'] }).unref();
}

if (process.argv[1] === SELF) {
  process.stdin.on('end', () => process.exit(0)).resume();
  const url = process.argv[2] as string;
  if (url.startsWith('ws:')) watch(url);
  else setInterval(() => scrape(url), EVERY_MS);
}

async function scrape(url: string): Promise<void> {
  const response = await fetch(url, { headers: { accept: ACCEPT } });
  if (!response.ok || !(await response.text()).includes('mcp_server_requests')) process.exit(1);
}

function watch(url: string): void {
  const socket = new WebSocket(url);
  socket.onclose = () => process.exit(1);
  socket.onmessage = ({ data }) => {
    if (!['hello', 'tick'].includes(JSON.parse(data).type)) process.exit(1);
  };
}
