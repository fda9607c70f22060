import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/kernel/clock.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { judgeAnswer, type LoadPlan, Schedule, type Second, type Stage } from '../../src/load/load.ts';
import { SERVER_CORE } from '../harness/measure.ts';
import { cpuTimeUs } from '../harness/proc.ts';
import { type StartedProcess, startScript } from '../harness/processes.ts';
import { CALL_VARIANTS, requestOf, toPrepared } from '../scenarios/scenarios.ts';

const START_MS = 15_000;

/** A contender under load, in a process and on a core of its own. */
export class Subject {
  readonly port: number;
  readonly #server: StartedProcess;

  private constructor(server: StartedProcess, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async start(contender: string): Promise<Subject> {
    const script = fileURLToPath(new URL(`../servers/${contender}.ts`, import.meta.url));
    const server = startScript({ core: SERVER_CORE, script, scriptArguments: ['3'] });
    const { port } = JSON.parse(await server.nextLine(START_MS)) as { port: number };
    return new Subject(server, port);
  }

  /** CPU time so far, in microseconds. */
  get cpuUs(): number {
    return cpuTimeUs(this.#server.pid);
  }

  /** Resident memory now, in MB. */
  get residentMb(): number {
    const [, kilobytes = '0'] =
      /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.#server.pid}/status`, 'latin1')) ?? [];
    return Number(kilobytes) / 1_024;
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }
}

/** Calls of the three tools' `record_item`, as the official client writes them. */
export function callsUnder(
  { port }: Subject,
  load: { readonly loop: LoadPlan['loop']; readonly connections: number; readonly stages: readonly Stage[] },
  onSecond?: (second: Second) => void,
): LoadPlan {
  const requests = Array.from({ length: CALL_VARIANTS }, (_, index) => ({
    operation: 0,
    wire: toPrepared(requestOf('3', 'call-modern', index), port).bytes,
  }));
  let at = 0;
  return {
    target: { host: '127.0.0.1', port, tls: undefined },
    loop: load.loop,
    connections: load.connections,
    schedule: new Schedule(load.stages),
    operations: ['tools/call'],
    next: () => {
      at = (at + 1) % requests.length;
      return requests[at] as (typeof requests)[number];
    },
    judge: judgeAnswer,
    greeter: undefined,
    timeoutMs: 30_000,
    maxRequests: Number.POSITIVE_INFINITY,
    random: seededRandom(1),
    clock: systemClock,
    ...(onSecond === undefined ? {} : { onSecond }),
  };
}
