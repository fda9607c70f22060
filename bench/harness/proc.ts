import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const DEFAULT_TICKS = 100;
let ticks = 0;

/** Clock ticks a second in which /proc counts CPU time. */
function ticksPerSecond(): number {
  if (ticks === 0) ticks = Number(spawnSync('getconf', ['CLK_TCK']).stdout?.toString().trim()) || DEFAULT_TICKS;
  return ticks;
}

/**
 * CPU time that a process has run with all its threads, in microseconds.
 *
 * From `schedstat` of each thread, which counts nanoseconds, so that slices of a few milliseconds can be measured; where
 * the kernel has none, from `stat` (user and system) in steps of a clock tick (10 ms).
 */
export function cpuTimeUs(pid: number): number {
  try {
    let nanoseconds = 0;
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ', 1)[0]);
    }
    return nanoseconds / 1e3;
  } catch {
    return tickTimeUs(pid);
  }
}

/** The same for a process and all that descend from it and still run. */
export function treeCpuTimeUs(pid: number): number {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
  );
  return children.reduce((sum, child) => sum + treeCpuTimeUs(child), cpuTimeUs(pid));
}

function tickTimeUs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The command's name, in parentheses, may hold blanks: count fields after its end.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / ticksPerSecond();
}

/** Largest resident memory of a process so far (VmHWM), in MB. */
export function peakMemoryMb(pid: number): number {
  const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  return Math.round(Number(match?.[1] ?? 0) / 102.4) / 10;
}
