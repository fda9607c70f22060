import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { oldGenerationLimit, pressureOf } from '../../../src/optimizer/memory-reading.ts';
import { createMemoryReader, recordHeapProfile, systemCollector } from '../../../src/optimizer/optimizer.ts';

const MIB = 2 ** 20;

describe('what memory is read as', () => {
  it.each<[readonly string[], number]>([
    [[], 152],
    [['--max-old-space-size=64'], 64],
    [['--max_old_space_size=64', '--inspect'], 64],
    [['--max-old-space-size', '64'], 64],
    [['--max-old-space-size=64', '--max-old-space-size=32'], 32],
    [['--max-old-space-size=4096'], 160],
    [['--max-old-space-size-percentage=50'], 152],
  ])('with %j a heap of 160 MB has its end', (given, megabytes) => {
    expect(oldGenerationLimit(160 * MIB, given) / MIB).toBe(megabytes);
  });

  it('is what this process holds', () => {
    const read = createMemoryReader(2 ** 40);
    const before = read();
    expect(before.heapUsed).toBeGreaterThan(MIB);
    expect(before.heapUsed).toBeLessThan(before.heapLimit);
    expect(before).toMatchObject({ residentLimit: 2 ** 40 });
    expect(pressureOf({ heapUsed: 1, heapLimit: 4, resident: 1, residentLimit: 2 })).toBe(0.5);
    expect(pressureOf({ heapUsed: 3, heapLimit: 4, resident: 1, residentLimit: 2 })).toBe(0.75);
  });

  it('falls when garbage is collected', async () => {
    const read = createMemoryReader(2 ** 40);
    let kept: object[] | undefined = Array.from({ length: 300_000 }, (_, index) => ({ index }));
    expect(await systemCollector.always()).toBe(true);
    const full = read().heapUsed;
    expect(kept.length).toBe(300_000);
    kept = undefined;
    expect(await systemCollector.always()).toBe(true);
    expect(full - read().heapUsed).toBeGreaterThan(5 * MIB);
  });

  it('is recorded where developer tools can read it', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'heap-'));
    try {
      const file = await recordHeapProfile(
        { directory: join(directory, 'new'), maxFiles: 1, durationMs: 1 },
        systemClock,
        7,
      );
      expect(file).toMatch(/new\/heap-[\dTZ-]+-\d+-7\.heapprofile$/);
      expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ head: { callFrame: expect.anything() } });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
