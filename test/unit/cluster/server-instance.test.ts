import { expect, it, onTestFinished } from 'vitest';
import type { FromInstance } from '../../../src/cluster/cluster.ts';
import { createOptimizedServer, OptimizedMCPServer } from '../../../src/index.ts';
import { PLACE_VARIABLE } from '../../../src/kernel/instance-place.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { IDENTITY } from '../support/test-server.ts';
import { settle } from './fake-launcher.ts';

/** Makes this process an instance whose supervisor reads nothing. @returns What it was sent. */
function superviseSilently(): FromInstance[] {
  const sent: FromInstance[] = [];
  const before = { send: process.send, connected: process.connected };
  process.send = (message: FromInstance) => sent.push(message) < 0;
  process.connected = true;
  const place = {
    name: '1',
    machine: { cores: 1, memoryBytes: 2 ** 30 },
    stateSecret: 's'.repeat(43),
    reusePort: false,
  };
  process.env[PLACE_VARIABLE] = JSON.stringify(place);
  onTestFinished(() => {
    Object.assign(process, before);
  });
  return sent;
}

it('an instance neither gathers reports for a supervisor that stands still, nor waits for it to stop', async () => {
  const sent = superviseSilently();
  const clock = new FakeClock();
  const server = createOptimizedServer(class extends OptimizedMCPServer {}, {
    ...IDENTITY,
    clock,
    http: { port: 0 },
    handleSignals: false,
  });
  await server.start();
  const ticks = () => sent.filter(({ kind }) => kind === 'tick').length;
  for (let second = 0; second < 10; second++) {
    clock.advance(1_000);
    await settle();
  }
  expect(ticks()).toBe(1);
  const stopped = server.stop();
  while (ticks() < 2) await settle();
  clock.advance(1_000);
  await stopped;
});
