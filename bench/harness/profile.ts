import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Row, Suite } from '../suites/suite.ts';
import { rowKey } from '../suites/suite.ts';
import { measureRow, type Overrides } from './measure.ts';

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

export interface SelfTime {
  readonly name: string;
  readonly where: string;
  readonly selfUs: number;
}

const INTERVAL_US = 200;
const TOP = 40;
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

function placeOf({ callFrame }: ProfileNode): string {
  const { url, lineNumber } = callFrame;
  if (url === '') return '';
  const path = url.startsWith('file://') ? fileURLToPath(url) : url;
  const short = path.startsWith(ROOT) ? path.slice(ROOT.length) : path;
  return `${short.replace(/^.*node_modules\//, '')}:${lineNumber + 1}`;
}

/** Self time by function, largest first; idle time is left out. */
export function selfTimes(profile: CpuProfile): SelfTime[] {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const times = new Map<string, SelfTime>();
  for (const [index, id] of profile.samples.entries()) {
    const node = nodes.get(id);
    const name = node?.callFrame.functionName === '' ? '(anonymous)' : node?.callFrame.functionName;
    if (node === undefined || name === undefined || name === '(idle)') continue;
    const where = placeOf(node);
    const key = `${name} ${where}`;
    const selfUs = (times.get(key)?.selfUs ?? 0) + (profile.timeDeltas[index] ?? 0);
    times.set(key, { name, where, selfUs });
  }
  return [...times.values()].sort((a, b) => b.selfUs - a.selfUs);
}

function readProfile(folder: string): CpuProfile {
  const file = readdirSync(folder).find((name) => name.endsWith('.cpuprofile'));
  if (file === undefined) throw new Error('the server wrote no profile');
  return JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile;
}

/** Runs one row with the CPU profiler on and returns the functions that took most time, as text. */
export async function profileRow(suite: Suite, row: Row, overrides: Overrides): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-profile-'));
  try {
    const flags = ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-interval=${INTERVAL_US}`];
    const measured = await measureRow(suite, row, overrides, flags);
    const times = selfTimes(readProfile(folder));
    const total = times.reduce((sum, time) => sum + time.selfUs, 0);
    const lines = times
      .slice(0, TOP)
      .map(
        ({ name, where, selfUs }) =>
          `${((selfUs / total) * 100).toFixed(1).padStart(6)} %  ${(selfUs / 1e3).toFixed(0).padStart(7)} ms  ${name}  ${where}`,
      );
    return [
      `${rowKey(row)}: ${measured.requests} requests at ${measured.cpuUs} µs each under the profiler`,
      'Self time, start and warm-up included:',
      ...lines,
    ].join('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
