import { OptionError } from '../kernel/errors.ts';
import { type HardwareProfile, resolveHardwareProfile } from '../kernel/hardware-profile.ts';
import { type MachineFacts, readMachineFacts } from '../kernel/machine.ts';
import { booleanOption, integerOption, numberOption, objectOption, stringOption } from '../kernel/options.ts';
import type { HeapProfileOptions } from './heap-tools.ts';

/**
 * `auto`: what the process may use here; `ryzen-7800x3d`: 16 hardware threads and 32 GB; `small`: at most one core and 512 MB of
 * what there is; `kubernetes`: as `auto`, with a quarter of the memory as headroom, since the kernel kills at the limit.
 */
export type PerformancePreset = 'auto' | 'ryzen-7800x3d' | 'small' | 'kubernetes';

/** How the server keeps the process from running out of memory. */
export interface MemoryGuardOptions {
  /** How often memory is looked at, in milliseconds; more often only while it rises towards the threshold. @default 1_000 */
  readonly intervalMs?: number;
  /** Share of a limit above which memory is freed. @default 0.75 */
  readonly gcThreshold?: number;
  /** Share of a limit at which new work is refused. @default 0.9 */
  readonly hardLimit?: number;
  /** What resident memory is to stay under, in bytes. @default 7/8 of the memory that the process may use */
  readonly maxMemoryBytes?: number;
  /** Record what is on the heap when memory rises; nothing is recorded unless a directory is given. */
  readonly heapProfiles?: HeapProfileOptions;
}

/** How the server fits itself to its machine. Every key is checked at construction. */
export interface PerformanceOptions {
  /** What the defaults are derived from. @default 'auto' */
  readonly preset?: PerformancePreset;
  /** Fit the bound of requests in flight, the cache's size and what is added by hand while the server runs. @default true */
  readonly adaptive?: boolean;
  /** `false` for none. @default all of its defaults */
  readonly memoryGuard?: MemoryGuardOptions | boolean;
}

export interface ResolvedMemoryGuard {
  readonly intervalMs: number;
  readonly gcThreshold: number;
  readonly hardLimit: number;
  readonly maxMemoryBytes: number;
  readonly heapProfiles: Required<HeapProfileOptions> | undefined;
}

export interface ResolvedPerformance {
  readonly preset: PerformancePreset;
  /** What defaults are derived from: the machine as the preset sees it. */
  readonly facts: MachineFacts;
  readonly profile: HardwareProfile;
  readonly adaptive: boolean;
  readonly memoryGuard: ResolvedMemoryGuard | undefined;
}

interface Preset {
  facts(machine: MachineFacts): MachineFacts;
  readonly gcThreshold?: number;
  readonly hardLimit: number;
}

const GIB = 2 ** 30;
const PRESETS: { readonly [P in PerformancePreset]: Preset } = {
  auto: { facts: (machine) => machine, hardLimit: 0.9 },
  'ryzen-7800x3d': { facts: () => ({ cores: 16, memoryBytes: 32 * GIB }), hardLimit: 0.9 },
  small: {
    facts: ({ cores, memoryBytes }) => ({ cores: Math.min(1, cores), memoryBytes: Math.min(GIB / 2, memoryBytes) }),
    hardLimit: 0.9,
  },
  kubernetes: {
    facts: ({ cores, memoryBytes }) => ({ cores, memoryBytes: Math.floor((memoryBytes * 6) / 7) }),
    gcThreshold: 0.7,
    hardLimit: 0.85,
  },
};
/** The names of the presets. */
export const PERFORMANCE_PRESETS = Object.freeze(Object.keys(PRESETS) as PerformancePreset[]);
const GUARD_KEYS = ['intervalMs', 'gcThreshold', 'hardLimit', 'maxMemoryBytes', 'heapProfiles'] as const;

/** Checks the options and derives the profile. @param options `false` for a server that stays as it begins. @throws {OptionError} */
export function resolvePerformance(options: unknown, machine: MachineFacts = readMachineFacts()): ResolvedPerformance {
  const isOff = options === false;
  const given = objectOption('performance', isOff ? undefined : options, ['preset', 'adaptive', 'memoryGuard']);
  const preset = (given.preset ?? 'auto') as PerformancePreset;
  if (!PERFORMANCE_PRESETS.includes(preset))
    throw new OptionError('performance.preset', `must be one of ${PERFORMANCE_PRESETS.join(', ')}`, preset);
  const facts = Object.freeze(PRESETS[preset].facts(machine));
  const profile = resolveHardwareProfile(facts);
  return Object.freeze({
    preset,
    facts,
    profile,
    adaptive: booleanOption('performance.adaptive', given.adaptive, !isOff),
    memoryGuard: isOff ? undefined : resolveGuard(given.memoryGuard, PRESETS[preset], profile, machine),
  });
}

function resolveGuard(
  options: unknown,
  preset: Preset,
  profile: HardwareProfile,
  machine: MachineFacts,
): ResolvedMemoryGuard | undefined {
  if (options === false) return undefined;
  const name = 'performance.memoryGuard';
  const given = objectOption(name, options === true ? undefined : options, GUARD_KEYS);
  const share = (key: 'gcThreshold' | 'hardLimit', fallback: number, min: number): number =>
    numberOption(`${name}.${key}`, given[key], fallback, { min, max: 1 });
  const gcThreshold = share('gcThreshold', preset.gcThreshold ?? profile.gcThreshold, 0.1);
  // A preset may be of a larger machine than this one.
  const most = Math.min(profile.maxMemoryBytes, resolveHardwareProfile(machine).maxMemoryBytes);
  return Object.freeze({
    intervalMs: integerOption(`${name}.intervalMs`, given.intervalMs, 1_000, { min: 100, max: 60_000 }),
    gcThreshold,
    hardLimit: share('hardLimit', Math.max(preset.hardLimit, gcThreshold), gcThreshold),
    maxMemoryBytes: integerOption(`${name}.maxMemoryBytes`, given.maxMemoryBytes, most, { min: 2 ** 20, max: 2 ** 53 }),
    heapProfiles: resolveProfiles(`${name}.heapProfiles`, given.heapProfiles),
  });
}

function resolveProfiles(name: string, options: unknown): Required<HeapProfileOptions> | undefined {
  if (options === undefined) return undefined;
  const given = objectOption(name, options, ['directory', 'maxFiles', 'durationMs']);
  return Object.freeze({
    directory: stringOption(`${name}.directory`, given.directory),
    maxFiles: integerOption(`${name}.maxFiles`, given.maxFiles, 3, { min: 1, max: 1_000 }),
    durationMs: integerOption(`${name}.durationMs`, given.durationMs, 10_000, { min: 1, max: 600_000 }),
  });
}
