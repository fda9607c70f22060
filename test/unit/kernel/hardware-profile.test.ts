import { describe, expect, it } from 'vitest';
import { resolveHardwareProfile, workerHeapMb } from '../../../src/kernel/hardware-profile.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

describe('the profile of a machine', () => {
  it('gives the figures of the reference machine', () => {
    expect(resolveHardwareProfile({ cores: 16, memoryBytes: 32 * GIB })).toEqual({
      cores: 16,
      memoryBytes: 32 * GIB,
      workers: 8,
      threads: 16,
      processes: 8,
      maxMemoryBytes: 28 * GIB,
      gcThreshold: 0.75,
      databaseConnections: 32,
      httpSockets: 64,
      httpFreeSockets: 16,
      requestsInFlight: 65_536,
      cacheEntries: 10_000,
      cacheBytes: 512 * MIB,
    });
  });

  it.each([
    [2, 512, { workers: 1, threads: 2, processes: 1, databaseConnections: 4, httpSockets: 8, requestsInFlight: 1_024 }],
    [0.5, 256, { workers: 1, threads: 1, processes: 1, databaseConnections: 2, httpSockets: 2, requestsInFlight: 512 }],
  ])('is usable on %d cores with %d MB', (cores, megabytes, expected) => {
    const profile = resolveHardwareProfile({ cores, memoryBytes: megabytes * MIB });
    expect(profile).toMatchObject({ ...expected, cacheBytes: 16 * MIB, maxMemoryBytes: (megabytes * MIB * 7) / 8 });
  });

  it('has whole, positive numbers on any machine, and never less on a larger one', () => {
    const sizes = [0.01, 0.1, 0.5, 1, 1.5, 2, 3, 7.9, 16, 512];
    const profiles = sizes.map((size) => resolveHardwareProfile({ cores: size, memoryBytes: size * GIB }));
    for (const { cores, memoryBytes, gcThreshold, ...counts } of profiles)
      for (const count of Object.values(counts))
        expect([count, Number.isInteger(count) && count > 0]).toEqual([count, true]);
    for (const key of [
      'workers',
      'threads',
      'databaseConnections',
      'httpSockets',
      'requestsInFlight',
      'cacheBytes',
    ] as const)
      expect(profiles.map((profile) => profile[key])).toEqual(
        profiles.map((profile) => profile[key]).toSorted((a, b) => a - b),
      );
  });

  it('divides half of the memory among workers', () => {
    const facts = { cores: 16, memoryBytes: 32 * GIB };
    expect([workerHeapMb(facts, 16, 2_048), workerHeapMb(facts, 8, 2_048), workerHeapMb(facts, 4, 2_048)]).toEqual([
      1_024, 2_048, 2_048,
    ]);
    expect(workerHeapMb({ cores: 64, memoryBytes: 2 * GIB }, 64, 2_048)).toBe(64);
  });
});
