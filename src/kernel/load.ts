import { performance } from 'node:perf_hooks';
import { readMachineFacts } from './machine.ts';

/** How busy this process is since the call before; shares, 0 to 1. */
export type LoadMeter = () => { readonly cpu: number; readonly memory: number };

/** Measures by the event loop, not the CPU: a loop that never rests is all that one instance can use. */
export function createLoadMeter(): LoadMeter {
  const { memoryBytes } = readMachineFacts();
  let before = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    const cpu = Number.isFinite(utilization) ? utilization : 0;
    return { cpu, memory: Math.min(1, process.memoryUsage.rss() / memoryBytes) };
  };
}
