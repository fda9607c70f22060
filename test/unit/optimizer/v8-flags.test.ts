import { describe, expect, it } from 'vitest';
import { recommendedV8Flags, resolveHardwareProfile } from '../../../src/optimizer/optimizer.ts';

const MIB = 2 ** 20;

describe('the recommended flags of V8', () => {
  const flagsFor = (megabytes: number, instances?: number) =>
    recommendedV8Flags(resolveHardwareProfile({ cores: 2, memoryBytes: megabytes * MIB }), instances);

  it.each([
    [32_768, undefined, '--max-old-space-size=28608', true],
    [32_768, 8, '--max-old-space-size=3520', false],
    [8_192, undefined, '--max-old-space-size=7104', true],
    [8_192, 2, '--max-old-space-size=3520', false],
    [1_024, undefined, '--max-old-space-size=832', true],
    [512, undefined, '--max-old-space-size=384', true],
    [256, undefined, '--max-old-space-size=160', false],
    [64, undefined, '--max-old-space-size=28', false],
  ])('of %d MB, instances: %s', (megabytes, instances, flag, isApplied) => {
    expect(flagsFor(megabytes, instances)[0]).toMatchObject({ flag, isApplied, reason: expect.stringMatching(/V8/) });
  });

  it('leave the young generation alone everywhere', () => {
    for (const megabytes of [128, 1_024, 65_536])
      expect(flagsFor(megabytes)[1]).toMatchObject({ flag: '--max-semi-space-size', isApplied: false });
  });
});
