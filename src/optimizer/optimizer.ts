/** The contract of `optimizer/`: fits a server to its machine, at the start and while it runs. */
export { type HardwareProfile, resolveHardwareProfile } from '../kernel/hardware-profile.ts';
export { additiveIncrease, type BoundUse } from './aimd.ts';
export { type HeapProfileOptions, recordHeapProfile, systemCollector } from './heap-tools.ts';
export { type HillClimbOptions, hillClimb, type Score } from './hill-climb.ts';
export { MemoryGuard, type MemoryReport } from './memory-guard.ts';
export { createMemoryReader, type MemoryReading } from './memory-reading.ts';
export {
  type MemoryGuardOptions,
  PERFORMANCE_PRESETS,
  type PerformanceOptions,
  type PerformancePreset,
  type ResolvedPerformance,
  resolvePerformance,
} from './options.ts';
export { type OptimizerReport, PerformanceOptimizer, type TunableReport } from './performance-optimizer.ts';
export type { Conditions, Decision, Law, Step, Tunable, Tuning } from './tunable.ts';
export { batchWindow, cacheEntries, requestsInFlight, type TunedBatcher } from './tunings.ts';
export { recommendedV8Flags, type V8Flag } from './v8-flags.ts';
