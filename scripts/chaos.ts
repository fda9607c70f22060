/**
 * Runs the tests with faults at full length: instances that are replaced, killed and frozen under load, a gateway before replicas
 * that fail, services that die. Ends by itself after ten minutes, as a failure.
 */
import { spawn } from 'node:child_process';

const BOUND_MS = 600_000;
const FILES = ['test/cluster/start', 'test/balance/gateway-faults', 'test/chaos'];
const PROJECTS = ['cluster', 'balance', 'services'].flatMap((name) => ['--project', name]);

const child = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...PROJECTS, ...FILES], {
  stdio: 'inherit',
  env: { ...process.env, PEREGRINE_CHAOS: 'long' },
});
const timer = setTimeout(() => {
  console.error(`not done within ${BOUND_MS / 60_000} minutes`);
  child.kill('SIGTERM');
}, BOUND_MS);
child.once('exit', (code) => {
  clearTimeout(timer);
  process.exitCode = code ?? 1;
});
