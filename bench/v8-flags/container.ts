import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';

const ROOT = '/sys/fs/cgroup';
const LONGEST_MS = 60_000;

/** What a run came to. */
export interface Run {
  readonly cpuUs: number;
  readonly peakMb: number;
  /** `killed`: by the kernel; `heap`: V8 gave up. */
  readonly end: 'finished' | 'killed' | 'heap' | 'failed';
}

/** A group of processes whose memory is limited, as that of a container is. */
export interface MemoryGroup {
  readonly processesFile: string;
  remove(): void;
}

/** Makes one, of either version; nothing where that is not allowed. */
export function createMemoryGroup(limitMb: number): MemoryGroup | undefined {
  const isV1 = existsSync(`${ROOT}/memory`);
  const folder = `${ROOT}${isV1 ? '/memory' : ''}/peregrine-bench-${process.pid}-${limitMb}`;
  const limits = isV1 ? ['memory.limit_in_bytes'] : ['memory.max', 'memory.swap.max'];
  try {
    mkdirSync(folder);
    writeFileSync(`${folder}/${limits[0]}`, String(limitMb * 2 ** 20));
    if (limits[1] !== undefined && existsSync(`${folder}/${limits[1]}`)) writeFileSync(`${folder}/${limits[1]}`, '0');
    if (!/^\d+/.test(readFileSync(`${folder}/${limits[0]}`, 'utf8'))) throw new Error('no limit');
  } catch {
    removeFolder(folder);
    return undefined;
  }
  return { processesFile: `${folder}/cgroup.procs`, remove: () => removeFolder(folder) };
}

function removeFolder(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Not there, or a process of it is still ending: an empty group costs nothing.
  }
}

/** Runs a script to its end, within a group where there is one. */
export function runScript(
  script: string,
  nodeArguments: readonly string[],
  parts: readonly string[],
  group?: MemoryGroup,
): Promise<Run> {
  const enter = group === undefined ? 'exec "$@"' : `echo $$ > ${group.processesFile} && exec "$@"`;
  const child = spawn('sh', ['-c', enter, 'sh', process.execPath, ...nodeArguments, script, ...parts], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
    timeout: LONGEST_MS,
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) return resolve({ ...(JSON.parse(stdout) as { cpuUs: number; peakMb: number }), end: 'finished' });
      const end = stderr.includes('heap out of memory') ? 'heap' : signal === 'SIGKILL' ? 'killed' : 'failed';
      if (end === 'failed') process.stderr.write(stderr);
      resolve({ cpuUs: Number.NaN, peakMb: Number.NaN, end });
    });
  });
}
