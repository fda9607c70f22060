import { fileURLToPath } from 'node:url';
import { recommendedV8Flags, resolveHardwareProfile } from '../../dist/index.js';
import { createMemoryGroup, type MemoryGroup, type Run, runScript } from '../v8-flags/container.ts';
import type { ExtraGoal, ExtraResult, ExtraTable } from './extra.ts';
import { ownSuite } from './suite.ts';

const ROUNDS = 11;
const CALL_FLAGS = [[], ['--max-semi-space-size=8'], ['--max-semi-space-size=64'], ['--no-parallel-scavenge']] as const;
/** Memory of a container, and what is alive on the heap, in MB. */
const CONTAINERS = [
  [256, 80],
  [256, 120],
  [256, 170],
  [1_024, 300],
  [1_024, 420],
  [1_024, 600],
] as const;
const CHURN_ROUNDS = 3;
const ENDS: { readonly [E in Run['end']]: string } = {
  finished: 'finished',
  killed: 'killed by the kernel',
  heap: 'heap out of memory',
  failed: 'failed',
};

const script = (name: string): string => fileURLToPath(new URL(`../v8-flags/${name}.ts`, import.meta.url));
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const fixed = (value: number): string => (Number.isNaN(value) ? '-' : value.toFixed(value < 10 ? 2 : 1));

/** Runs of several ways in turns, so that none has the machine's better hours. */
async function inTurns(ways: readonly (() => Promise<Run>)[], rounds: number): Promise<Run[][]> {
  const runs: Run[][] = ways.map(() => []);
  for (let round = 0; round < rounds; round++)
    for (const [index, way] of ways.entries()) runs[index]?.push(await way());
  return runs;
}

function medianOf(runs: readonly Run[]): Run {
  const end = runs.find((run) => run.end !== 'finished')?.end ?? 'finished';
  return { end, cpuUs: median(runs.map(({ cpuUs }) => cpuUs)), peakMb: median(runs.map(({ peakMb }) => peakMb)) };
}

async function measureCalls(): Promise<ExtraTable> {
  const ways = CALL_FLAGS.map((flags) => () => runScript(script('calls'), flags, []));
  const runs = await inTurns(ways, ROUNDS);
  const plain = runs[0] as Run[];
  return {
    title: `Lists, answers made of JSON and kept answers, in the process (medians of ${ROUNDS} rounds)`,
    headings: ['flags', 'CPU µs a call', 'CPU / without', 'rounds', 'peak MB'],
    rows: runs.map((some, index) => {
      const ratios = some.map(({ cpuUs }, round) => cpuUs / (plain[round]?.cpuUs ?? Number.NaN));
      return [
        CALL_FLAGS[index]?.join(' ') || 'none',
        fixed(medianOf(some).cpuUs),
        median(ratios).toFixed(3),
        `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`,
        Math.round(medianOf(some).peakMb),
      ];
    }),
  };
}

/** The flag for a container of this size, whether it is applied there or not. */
function oldSpaceFlag(containerMb: number): { readonly flag: string; readonly isApplied: boolean } {
  const profile = resolveHardwareProfile({ cores: 1, memoryBytes: containerMb * 2 ** 20 });
  const found = recommendedV8Flags(profile).find(({ flag }) => flag.includes('old-space'));
  if (found === undefined) throw new Error('no such flag');
  return found;
}

async function measureContainer(containerMb: number, liveMb: number, group: MemoryGroup) {
  const { flag, isApplied } = oldSpaceFlag(containerMb);
  const way = (flags: readonly string[]) => () => runScript(script('churn'), flags, [String(liveMb)], group);
  const [plain, flagged] = (await inTurns([way([]), way([flag])], CHURN_ROUNDS)).map(medianOf) as [Run, Run];
  const cells = (run: Run) => [ENDS[run.end], fixed(run.cpuUs)];
  return {
    ratio: flagged.cpuUs / plain.cpuUs,
    row: [
      `${containerMb} MB`,
      `${liveMb} MB`,
      ...cells(plain),
      `${flag}${isApplied ? '' : ' (not applied)'}`,
      ...cells(flagged),
    ],
  };
}

async function measureContainers(): Promise<ExtraResult> {
  const rows: string[][] = [];
  const goals: ExtraGoal[] = [];
  for (const [containerMb, liveMb] of CONTAINERS) {
    const group = createMemoryGroup(containerMb);
    if (group === undefined) return { tables: [], goals };
    const { row, ratio } = await measureContainer(containerMb, liveMb, group);
    group.remove();
    rows.push(row);
    if (containerMb === 1_024 && liveMb === 420)
      goals.push({ title: 'CPU with the flag / without, 420 MB alive of 1,024', value: ratio, atMost: 0.9 });
  }
  const headings = ['container', 'alive', 'without', 'CPU µs', 'with', '', 'CPU µs'];
  return { tables: [{ title: 'Values that are replaced, under a limit of memory', headings, rows }], goals };
}

async function measureFlags(): Promise<ExtraResult> {
  const calls = await measureCalls();
  const { tables, goals } = await measureContainers();
  if (tables.length === 0)
    process.stderr.write('No group with a limit of memory can be made here: that part is left out.\n');
  return { tables: [calls, ...tables], goals };
}

export const suite = ownSuite('v8-flags', measureFlags);
