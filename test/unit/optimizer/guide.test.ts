import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  batchWindow,
  createBatcher,
  createOptimizedServer,
  hillClimb,
  type OptimizedMCPServer,
} from '../../../src/index.ts';
import { captureErrors, readDocument, runSample } from '../support/samples.ts';
import { IDENTITY, serverWith, TestServer } from '../support/test-server.ts';

const { samples } = readDocument('docs/guides/tuning.md');

/** Runs a sample with what it takes as given, and returns what it wrote. */
async function run(sample: string | undefined, values: object, result?: string) {
  const written = captureErrors();
  return { written, result: await runSample(sample, values, result) };
}

afterEach(() => void vi.restoreAllMocks());

describe('the guide to tuning', () => {
  it('has settings that are valid, and an event of the memory', async () => {
    const values = { createOptimizedServer, Reports: TestServer, identity: IDENTITY };
    const { result, written } = await run(samples[0], values, 'server');
    const server = result as OptimizedMCPServer;
    server.signals.memory.emit({ kind: 'profile', state: 'elevated', pressure: 0.8, file: 'x.heapprofile' });
    expect(written).toEqual(['profile elevated 0.80 x.heapprofile']);
    expect(server.optimizer.report().preset).toBe('kubernetes');
  });

  it("has an author's own tunables", async () => {
    const values = { server: serverWith(), createBatcher, batchWindow, hillClimb, loadProducts: async () => [] };
    const { written } = await run(samples[1], values);
    expect(written).toEqual(['cache.entries overload.maxInFlight batch.products export.pages']);
  });

  it('has no other samples', () => {
    expect(samples).toHaveLength(2);
  });
});
