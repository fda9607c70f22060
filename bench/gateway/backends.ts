/** The servers behind a gateway: two lanes with fixed answers, on the load generator's core, so that the gateway has its own. */

import { scriptOf } from '../harness/contenders.ts';
import { GENERATOR_CORE } from '../harness/measure.ts';
import { type StartedProcess, startScript } from '../harness/processes.ts';

const BACKENDS = 2;
const START_MS = 15_000;

/** Starts them with the arguments that this process was started with; they end with it. @returns Their ports. */
export async function startBackends(): Promise<number[]> {
  const backends = Array.from(
    { length: BACKENDS },
    (): StartedProcess =>
      startScript({ core: GENERATOR_CORE, script: scriptOf('lane-fixed'), scriptArguments: process.argv.slice(2) }),
  );
  const lines = await Promise.all(backends.map((backend) => backend.nextLine(START_MS)));
  return lines.map((line) => (JSON.parse(line) as { port: number }).port);
}
