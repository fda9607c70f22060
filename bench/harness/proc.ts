import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const DEFAULT_TICKS = 100;
let ticks = 0;

/** Clock ticks a second in which /proc counts CPU time. */
function ticksPerSecond(): number {
  if (ticks === 0) ticks = Number(spawnSync('getconf', ['CLK_TCK']).stdout?.toString().trim()) || DEFAULT_TICKS;
  return ticks;
}

/** User and system CPU time of a process with all its threads, in microseconds, in steps of a clock tick (10 ms). */
export function cpuTimeUs(pid: number): number {
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
