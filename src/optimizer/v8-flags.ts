import type { HardwareProfile } from '../kernel/hardware-profile.ts';

/** A flag of V8, and whether a launcher is to set it. */
export interface V8Flag {
  readonly flag: string;
  readonly isApplied: boolean;
  readonly reason: string;
}

const MIB = 2 ** 20;
/** What an instance holds beside its old generation: code, the young generation, buffers, stacks. */
const BESIDE_MB = 64;

/** What V8 gives the old generation by itself, in MB; measured: half of the memory, 256 to 4,096. */
function defaultOldSpaceMb(memoryBytes: number): number {
  return Math.max(256, Math.min(4_096, Math.floor(memoryBytes / 2 / MIB)));
}

/**
 * The flags for each of so many instances of a server on a machine: applied are those that `npm run bench -- v8-flags` has
 * shown to help; the others are there with the reason why not (decision 0015).
 */
export function recommendedV8Flags({ maxMemoryBytes, memoryBytes }: HardwareProfile, instances = 1): readonly V8Flag[] {
  const shareMb = Math.floor(maxMemoryBytes / MIB / instances);
  const oldMb = Math.max(Math.floor(shareMb / 2), shareMb - BESIDE_MB);
  const defaultMb = defaultOldSpaceMb(memoryBytes);
  const isApplied = oldMb > defaultMb;
  return [
    {
      flag: `--max-old-space-size=${oldMb}`,
      isApplied,
      reason: isApplied
        ? `V8 would stop at ${defaultMb} MB, collecting ever more often before, and leave memory unused`
        : `V8's own ${defaultMb} MB hold more; less heap means more collections, and memory is watched anyway`,
    },
    {
      flag: '--max-semi-space-size',
      isApplied: false,
      reason: 'a smaller or larger young generation costs as much CPU for each call; only the memory differs',
    },
  ];
}
