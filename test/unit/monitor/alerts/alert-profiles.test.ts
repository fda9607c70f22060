import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ProfileKind, recordProfile } from '../../../../src/kernel/profiler.ts';
import { AlertProfiles, type ProfileSettings } from '../../../../src/monitor/alerts/alert-profiles.ts';
import type { AlertKey, AlertRecord } from '../../../../src/monitor/monitor.ts';
import { FakeClock } from '../../../../src/testing/testing.ts';

function firing(key: AlertKey, state: AlertRecord['state'] = 'firing'): AlertRecord {
  return { id: 1, key, subject: '', instance: '', state, value: 1, threshold: 1, firedAt: 0, clearedAt: null };
}

describe('AlertProfiles', () => {
  const clock = new FakeClock();
  let directory: string;
  let lines: string[];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'peregrine-profiles-'));
    lines = [];
  });
  afterEach(() => rm(directory, { recursive: true }));

  function profiles(
    settings: Partial<ProfileSettings> = {},
    record: typeof recordProfile = recordProfile,
  ): AlertProfiles {
    const logger = {
      info: (_: object, line: string) => lines.push(line),
      warn: (_: object, line: string) => lines.push(line),
    };
    const all: ProfileSettings = { directory, kinds: ['cpu', 'heap'], seconds: 10, atMost: 5, ...settings };
    return new AlertProfiles({ settings: all, clock, logger, record });
  }

  /** Lets a profile that is being made come to its end. */
  async function finish(of: AlertProfiles): Promise<void> {
    await vi.waitFor(() => expect(clock.timers).toBe(1), { interval: 1 });
    clock.advance(10_000);
    await of.idle;
  }

  it('writes a CPU profile', async () => {
    const made = profiles();
    made.take(firing('cpuUsage'));
    await finish(made);
    const [file] = await readdir(directory);
    expect(file).toMatch(/^peregrine-20260101T\d{9}Z-\d+-cpuUsage\.cpuprofile$/);
    const profile = JSON.parse(await readFile(join(directory, file ?? ''), 'utf8'));
    expect(profile).toMatchObject({
      nodes: expect.any(Array),
      startTime: expect.any(Number),
      endTime: expect.any(Number),
    });
    expect(lines).toEqual([`a cpu profile was written to ${join(directory, file ?? '')}`]);
  });

  it('writes a heap profile that shows what is in memory', async () => {
    const made = profiles();
    made.take(firing('memoryUsage'));
    await vi.waitFor(() => expect(clock.timers).toBe(1), { interval: 1 });
    const kept = Array.from({ length: 20_000 }, (_, index) => ({ index, text: `text ${index}` }));
    await finish(made);
    const [file] = await readdir(directory);
    expect(file).toMatch(/-memoryUsage\.heapprofile$/);
    const profile = JSON.parse(await readFile(join(directory, file ?? ''), 'utf8'));
    expect(profile).toMatchObject({ head: expect.any(Object), samples: expect.any(Array) });
    expect(profile.samples.length).toBeGreaterThan(0);
    expect(kept).toHaveLength(20_000);
  });

  it('makes one at a time, of alerts that fire, of the kinds that are wanted', async () => {
    const kinds: ProfileKind[] = [];
    let end = (_: string): void => {};
    const record = (kind: ProfileKind): Promise<string> => {
      kinds.push(kind);
      return new Promise((resolve) => {
        end = resolve;
      });
    };
    const made = profiles({ kinds: ['cpu'] }, record);
    for (const key of ['errorRate', 'cacheHitRate', 'connectionPool', 'memoryUsage'] as const) made.take(firing(key));
    made.take(firing('cpuUsage', 'cleared'));
    await made.idle;
    expect(await readdir(directory)).toEqual([]);
    made.take(firing('responseTime'));
    made.take(firing('cpuUsage'));
    await vi.waitFor(() => expect(kinds).toEqual(['cpu']), { interval: 1 });
    end('{}');
    await made.idle;
    expect(await readdir(directory)).toEqual([expect.stringMatching(/-responseTime\.cpuprofile$/)]);
    made.take(firing('cpuUsage'));
    await vi.waitFor(() => expect(kinds).toHaveLength(2), { interval: 1 });
  });

  it('keeps the newest files, and none but its own are removed', async () => {
    await writeFile(join(directory, 'peregrine-notes.cpuprofile'), '');
    const made = profiles({ atMost: 2 }, async () => '{}');
    for (const key of ['cpuUsage', 'responseTime', 'memoryUsage'] as const) {
      clock.advance(1_000);
      made.take(firing(key));
      await made.idle;
    }
    const names = (await readdir(directory)).map((name) => name.replace(/-\d{8}T\d{9}Z-\d+/, '')).sort();
    expect(names).toEqual([
      'peregrine-memoryUsage.heapprofile',
      'peregrine-notes.cpuprofile',
      'peregrine-responseTime.cpuprofile',
    ]);
  });

  it('says what went wrong, and can make the next', async () => {
    const results = [() => Promise.reject(new Error('the inspector is in use')), async () => '{}'];
    const made = profiles({}, async () => (await results.shift()?.()) ?? '');
    made.take(firing('cpuUsage'));
    await made.idle;
    made.take(firing('cpuUsage'));
    await made.idle;
    expect(lines).toEqual([
      'no profile could be made: the inspector is in use',
      expect.stringMatching(/^a cpu profile was written/),
    ]);
    const file = join(directory, 'file');
    await writeFile(file, '');
    const nowhere = profiles({ directory: join(file, 'below') }, async () => '{}');
    nowhere.take(firing('cpuUsage'));
    await nowhere.idle;
    expect(lines.at(-1)).toMatch(/^no profile could be made: ENOTDIR/);
  });
});
