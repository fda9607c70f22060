import { availableParallelism, totalmem } from 'node:os';
import { describe, expect, it } from 'vitest';
import { readMachineFacts } from '../../../src/kernel/machine.ts';

const hardware = availableParallelism();
const total = totalmem();

function factsWith(files: Readonly<Record<string, string>>): ReturnType<typeof readMachineFacts> {
  return readMachineFacts((path) => files[path]);
}

describe('readMachineFacts', () => {
  it.each([
    ['max 100000\n', hardware],
    ['50000 100000\n', 0.5],
    ['25000 100000', 0.25],
    ['100000 100000\n', 1],
    ['10000 50000\n', 0.2],
    [`${hardware * 100_000 * 4} 100000\n`, hardware],
    ['', hardware],
    ['0 100000', hardware],
    ['-1 100000', hardware],
    ['100000 0', hardware],
    ['100000', hardware],
    ['nonsense', hardware],
  ])('takes %o as the cores of cpu.max', (text, cores) => {
    expect(factsWith({ '/sys/fs/cgroup/cpu.max': text }).cores).toBe(cores);
  });

  it.each([
    ['max\n', total],
    ['536870912\n', 536_870_912],
    ['18446744073709551615', total],
    ['9223372036854771712', total],
    ['0', total],
    ['', total],
    ['nonsense', total],
  ])('takes %o as the bytes of memory.max', (text, memoryBytes) => {
    expect(factsWith({ '/sys/fs/cgroup/memory.max': text }).memoryBytes).toBe(memoryBytes);
  });

  it('reads the limits of version 1 of cgroups', () => {
    const folder = '/sys/fs/cgroup';
    const files = {
      [`${folder}/cpu/cpu.cfs_quota_us`]: '50000\n',
      [`${folder}/cpu/cpu.cfs_period_us`]: '100000\n',
      [`${folder}/memory/memory.limit_in_bytes`]: '268435456\n',
    };
    expect(factsWith(files)).toEqual({ cores: 0.5, memoryBytes: 268_435_456 });
    const none = { ...files, [`${folder}/cpu/cpu.cfs_quota_us`]: '-1\n' };
    expect(factsWith({ ...none, [`${folder}/memory/memory.limit_in_bytes`]: '9223372036854771712\n' })).toEqual({
      cores: hardware,
      memoryBytes: total,
    });
  });

  it('falls back to the hardware where there are no such files', () => {
    expect(factsWith({})).toEqual({ cores: hardware, memoryBytes: total });
  });

  it('reads the machine that it runs on', () => {
    const { cores, memoryBytes } = readMachineFacts();
    expect(cores).toBeGreaterThan(0);
    expect(cores).toBeLessThanOrEqual(hardware);
    expect(memoryBytes).toBeGreaterThan(0);
    expect(memoryBytes).toBeLessThanOrEqual(total);
  });
});
