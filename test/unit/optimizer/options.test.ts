import { describe, expect, it } from 'vitest';
import { resolvePerformance } from '../../../src/optimizer/optimizer.ts';
import { createOptimizedServer } from '../../../src/server.ts';
import { IDENTITY, TestServer } from '../support/test-server.ts';

const GIB = 2 ** 30;
const MACHINE = { cores: 4, memoryBytes: 8 * GIB };

describe('the options of the optimizer', () => {
  it('have the defaults that are documented', () => {
    expect(resolvePerformance(undefined, MACHINE)).toMatchObject({
      preset: 'auto',
      facts: MACHINE,
      profile: { threads: 4, processes: 2, maxMemoryBytes: 7 * GIB },
      adaptive: true,
      memoryGuard: {
        intervalMs: 1_000,
        gcThreshold: 0.75,
        hardLimit: 0.9,
        maxMemoryBytes: 7 * GIB,
        heapProfiles: undefined,
      },
    });
  });

  it('can be switched off', () => {
    expect(resolvePerformance(false, MACHINE)).toMatchObject({
      adaptive: false,
      memoryGuard: undefined,
      facts: MACHINE,
    });
    expect(resolvePerformance({ memoryGuard: false }, MACHINE)).toMatchObject({
      adaptive: true,
      memoryGuard: undefined,
    });
    expect(resolvePerformance({ memoryGuard: true }, MACHINE).memoryGuard?.hardLimit).toBe(0.9);
  });

  it('have presets, which never promise memory that is not there', () => {
    const reference = resolvePerformance({ preset: 'ryzen-7800x3d' }, MACHINE);
    expect(reference).toMatchObject({
      profile: {
        workers: 8,
        threads: 16,
        processes: 8,
        databaseConnections: 32,
        httpSockets: 64,
        maxMemoryBytes: 28 * GIB,
      },
      memoryGuard: { maxMemoryBytes: 7 * GIB },
    });
    expect(resolvePerformance({ preset: 'small' }, MACHINE)).toMatchObject({
      facts: { cores: 1, memoryBytes: GIB / 2 },
      memoryGuard: { maxMemoryBytes: 7 * (GIB / 16) },
    });
    expect(resolvePerformance({ preset: 'kubernetes' }, MACHINE)).toMatchObject({
      facts: { cores: 4 },
      memoryGuard: { maxMemoryBytes: 6 * GIB - 1, gcThreshold: 0.7, hardLimit: 0.85 },
    });
  });

  it.each<[unknown, string]>([
    [true, 'performance'],
    [{ presets: 'auto' }, 'performance.presets'],
    [{ preset: 'large' }, 'performance.preset'],
    [{ adaptive: 'yes' }, 'performance.adaptive'],
    [{ memoryGuard: 5 }, 'performance.memoryGuard'],
    [{ memoryGuard: { interval: 5 } }, 'performance.memoryGuard.interval'],
    [{ memoryGuard: { intervalMs: 5 } }, 'performance.memoryGuard.intervalMs'],
    [{ memoryGuard: { gcThreshold: 0 } }, 'performance.memoryGuard.gcThreshold'],
    [{ memoryGuard: { gcThreshold: 0.8, hardLimit: 0.7 } }, 'performance.memoryGuard.hardLimit'],
    [{ memoryGuard: { maxMemoryBytes: 1 } }, 'performance.memoryGuard.maxMemoryBytes'],
    [{ memoryGuard: { heapProfiles: {} } }, 'performance.memoryGuard.heapProfiles.directory'],
    [
      { memoryGuard: { heapProfiles: { directory: 'x', maxFiles: 0 } } },
      'performance.memoryGuard.heapProfiles.maxFiles',
    ],
  ])('refuse %j', (performance, option) => {
    const config = { ...IDENTITY, performance } as ConstructorParameters<typeof TestServer>[0];
    expect(() => createOptimizedServer(TestServer, config)).toThrow(expect.objectContaining({ option }));
  });
});
