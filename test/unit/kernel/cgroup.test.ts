import { describe, expect, it } from 'vitest';
import { type CgroupLimits, readCgroupLimits } from '../../../src/kernel/cgroup.ts';

const ROOT = '/sys/fs/cgroup';

function limitsWith(group: string, files: Readonly<Record<string, string>>): CgroupLimits {
  return readCgroupLimits((path) => (path === '/proc/self/cgroup' ? group : files[path]));
}

describe('the limits of cgroups', () => {
  it('are none where there are no files', () => {
    expect(readCgroupLimits(() => undefined)).toEqual({ version: undefined, cores: undefined, memoryBytes: undefined });
  });

  it('of version 2 are the least of the own group and those above', () => {
    const limits = limitsWith('0::/kubepods/pod1/box\n', {
      [`${ROOT}/kubepods/pod1/box/cpu.max`]: '200000 100000',
      [`${ROOT}/kubepods/pod1/box/memory.max`]: 'max',
      [`${ROOT}/kubepods/pod1/cpu.max`]: '150000 100000',
      [`${ROOT}/kubepods/memory.max`]: '1073741824',
      [`${ROOT}/elsewhere/memory.max`]: '1048576',
    });
    expect(limits).toEqual({ version: 2, cores: 1.5, memoryBytes: 2 ** 30 });
  });

  it('are found at the root where the path is one of the host', () => {
    const files = { [`${ROOT}/memory.max`]: '536870912' };
    for (const group of ['0::/docker/abc\n', '0::/../../other\n', '0::/\n', 'nonsense', ''])
      expect(limitsWith(group, files)).toEqual({ version: 2, cores: undefined, memoryBytes: 2 ** 29 });
  });

  it('of version 1 have a folder for each controller', () => {
    const group = '4:memory:/box/inner\n2:cpu,cpuacct:/box\n1:name=systemd:/\n0::/\n';
    const limits = limitsWith(group, {
      [`${ROOT}/cpu,cpuacct/box/cpu.cfs_quota_us`]: '25000\n',
      [`${ROOT}/cpu,cpuacct/box/cpu.cfs_period_us`]: '100000\n',
      [`${ROOT}/memory/box/inner/memory.limit_in_bytes`]: '9223372036854771712\n',
      [`${ROOT}/memory/box/memory.limit_in_bytes`]: '134217728\n',
    });
    expect(limits).toEqual({ version: 1, cores: 0.25, memoryBytes: 2 ** 27 });
  });

  it('of version 2 come first where both are there, and nothing sets none', () => {
    const v1 = { [`${ROOT}/memory/memory.limit_in_bytes`]: '134217728' };
    expect(limitsWith('', { ...v1, [`${ROOT}/unified/memory.max`]: '1048576' })).toMatchObject({
      version: 2,
      memoryBytes: 2 ** 20,
    });
    expect(limitsWith('', { ...v1, [`${ROOT}/cpu.max`]: 'max 100000' })).toMatchObject({
      version: 1,
      memoryBytes: 2 ** 27,
    });
    expect(limitsWith('', { [`${ROOT}/cpu/cpu.cfs_quota_us`]: '-1', [`${ROOT}/cpu/cpu.cfs_period_us`]: '1' })).toEqual({
      version: undefined,
      cores: undefined,
      memoryBytes: undefined,
    });
  });
});
