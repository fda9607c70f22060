import { expect, it, onTestFinished } from 'vitest';
import { createOptimizedServer, OptimizedMCPServer, type OptimizedServerConfig } from '../../src/index.ts';
import { resolveStateStore } from '../../src/state/state.ts';
import { readDocument, runSample } from '../unit/support/samples.ts';

const { text, samples } = readDocument('docs/guides/state.md');

class Shop extends OptimizedMCPServer {}

/** Creates the server of a sample. @returns Its configuration. */
async function configOf(sample: string | undefined): Promise<OptimizedServerConfig> {
  const server = (await runSample(sample, { createOptimizedServer, Shop }, 'server')) as OptimizedMCPServer;
  onTestFinished(() => server.stop());
  return server.config;
}

it('the guide to state has samples that can be used', async () => {
  expect(samples).toHaveLength(2);
  expect((await configOf(samples[0])).stateStore).toBe(process.env['REDIS_URL'] ?? 'memory');
  expect((await configOf(samples[1])).stateStore).toEqual({
    url: 'redis://localhost:6379',
    keyPrefix: 'shop',
    timeoutMs: 500,
  });
});

it('the guide to state names what may be given, and the defaults', () => {
  const shown = [...text.matchAll(/^\| `(memory|sqlite:[^`]*)`/gm)].map(
    ([, url]) => resolveStateStore(url, 'shop').kind,
  );
  expect(shown).toEqual(['memory', 'sqlite']);
  const { timeoutMs, maxCharacters } = resolveStateStore(undefined, 'shop');
  const defaults = [...text.matchAll(/^\| `(timeoutMs|maxCharacters)` \| ([\d,]+)/gm)].map(([, name, value]) => [
    name,
    value,
  ]);
  expect(defaults).toEqual([
    ['timeoutMs', timeoutMs.toLocaleString('en')],
    ['maxCharacters', maxCharacters.toLocaleString('en')],
  ]);
});
