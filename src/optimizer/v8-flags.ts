import type { HardwareProfile } from '../kernel/hardware-profile.ts';

/** A flag of V8, and whether it is worth setting here. */
export interface V8Flag {
  readonly flag: string;
  readonly isApplied: boolean;
  readonly reason: string;
}

const MIB = 2 ** 20;
/** What a server holds beside its old generation: code, the young generation, buffers, stacks. */
const BESIDE_MB = 64;

/** The flags for a profile: those that a benchmark has shown to help, and the others with the reason why not (decision 0015). */
export function recommendedV8Flags({ maxMemoryBytes }: HardwareProfile): readonly V8Flag[] {
  const totalMb = Math.floor(maxMemoryBytes / MIB);
  const oldMb = Math.max(Math.floor(totalMb / 2), totalMb - BESIDE_MB);
  return [
    { flag: `--max-old-space-size=${oldMb}`, isApplied: true, reason: 'TODO' },
    { flag: '--max-semi-space-size=32', isApplied: false, reason: 'TODO' },
  ];
}
