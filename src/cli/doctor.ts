import { type HardwareProfile, recommendedV8Flags, resolvePerformance } from '../optimizer/optimizer.ts';
import { EXIT } from './cli-error.ts';
import { type DoctorFacts, readDoctorFacts } from './doctor-facts.ts';
import { examine, type Finding } from './doctor-findings.ts';
import { type Output, toTable } from './output.ts';

export interface DoctorOptions {
  /** What defaults are derived from. */
  readonly preset: string;
  /** Print everything as one JSON object. */
  readonly json: boolean;
}

const MIB = 2 ** 20;

/** Says what the machine is, what is derived from it, and what is wrong. @returns The exit code. */
export async function doctor(
  { preset, json }: DoctorOptions,
  output: Output,
  read: () => Promise<DoctorFacts> = readDoctorFacts,
): Promise<number> {
  const facts = await read();
  const { profile, memoryGuard } = resolvePerformance({ preset }, facts.machine);
  const v8Flags = recommendedV8Flags(profile);
  const findings = examine(facts);
  if (json) output.out(`${JSON.stringify({ ...facts, preset, profile, memoryGuard, v8Flags, findings }, null, 2)}\n`);
  else {
    const sections: [title: string, rows: string[][]][] = [
      ['Machine', machineRows(facts)],
      [`Derived (preset ${preset})`, profileRows(profile, facts)],
      [
        'Flags of V8',
        v8Flags.map(({ flag, isApplied, reason }) => [flag, isApplied ? 'worth setting' : 'not set', reason]),
      ],
      ['Findings', findings.length === 0 ? [['nothing is wrong']] : findings.map(toRow)],
    ];
    output.out(sections.map(([title, rows]) => `${title}\n${toTable(rows, output.columns)}`).join('\n'));
  }
  return findings.some(({ level }) => level === 'warning') ? EXIT.somethingWrong : EXIT.ok;
}

function toRow({ level, what, help }: Finding): string[] {
  return [level, what, help];
}

function machineRows({ node, platform, hardware, limits, machine }: DoctorFacts): string[][] {
  const from = limits.version === undefined ? '' : ` (cgroup version ${limits.version})`;
  return [
    ['Node.js', `${node} on ${platform}`],
    ['hardware threads', String(hardware.cores)],
    ['limit of cores', limits.cores === undefined ? 'none' : `${limits.cores}${from}`],
    ['memory', toSize(hardware.memoryBytes)],
    ['limit of memory', limits.memoryBytes === undefined ? 'none' : `${toSize(limits.memoryBytes)}${from}`],
    ['may be used', `${machine.cores} cores, ${toSize(machine.memoryBytes)}`],
  ];
}

function profileRows(profile: HardwareProfile, { machine }: DoctorFacts): string[][] {
  const share = Number(((100 * profile.maxMemoryBytes) / machine.memoryBytes).toFixed(1));
  return [
    ['instances', String(profile.workers), 'half the cores'],
    ['threads of tasks', String(profile.threads), 'one for each core'],
    ['processes of tasks', String(profile.processes), 'half the cores'],
    ['memory at most', toSize(profile.maxMemoryBytes), `${share} % of what may be used`],
    ['memory is freed above', `${100 * profile.gcThreshold} %`, 'of that, or of the heap'],
    ['connections to each database', String(profile.databaseConnections), '2 for each core, at least 2'],
    ['connections to each origin', String(profile.httpSockets), '4 for each core'],
    ['of them kept while free', String(profile.httpFreeSockets), 'at most'],
    ['requests in flight', String(profile.requestsInFlight), 'one for each 512 KB of memory, 64 to 65536'],
    ['values in memory', String(profile.cacheEntries), `at most ${toSize(profile.cacheBytes)}: 1/64 of the memory`],
  ];
}

function toSize(bytes: number): string {
  const megabytes = bytes / MIB;
  if (megabytes < 1_024) return `${Math.floor(megabytes)} MB`;
  return `${Number((megabytes / 1_024).toFixed(1))} GB`;
}
