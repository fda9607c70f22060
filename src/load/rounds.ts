import type { LoadPlan } from './load-plan.ts';
import { type GeneratorFigures, type RunOutcome, runLoad } from './load-run.ts';
import { Tally } from './tally.ts';

/**
 * Runs several plans in turns, each as many times, so that what else the machine does meets them alike; answers one outcome for
 * each, of all its rounds together.
 */
export async function runInTurns(plans: readonly LoadPlan[], rounds: number): Promise<readonly RunOutcome[]> {
  const outcomes: RunOutcome[][] = plans.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, plan] of plans.entries()) {
      const outcome = await runLoad(plan);
      outcomes[index]?.push(outcome);
      if (outcome.aborted !== undefined) return outcomes.map(together);
    }
  }
  return outcomes.map(together);
}

const IDLE: GeneratorFigures = { cpuUsPerAnswer: 0, busyShare: 0, lateP99Us: 0, waitedShare: 0 };

function together(outcomes: readonly RunOutcome[]): RunOutcome {
  const [first, ...others] = outcomes;
  if (first === undefined) return { tally: new Tally([]), elapsedMs: 0, aborted: 'not run', generator: IDLE };
  let { elapsedMs, generator, aborted } = first;
  for (const other of others) {
    generator = weighed(generator, elapsedMs, other.generator, other.elapsedMs);
    first.tally.merge(other.tally);
    elapsedMs += other.elapsedMs;
    aborted ??= other.aborted;
  }
  return { tally: first.tally, elapsedMs, aborted, generator };
}

function weighed(a: GeneratorFigures, aMs: number, b: GeneratorFigures, bMs: number): GeneratorFigures {
  const share = aMs + bMs === 0 ? 0.5 : aMs / (aMs + bMs);
  const mean = (x: number, y: number): number => x * share + y * (1 - share);
  return {
    cpuUsPerAnswer: mean(a.cpuUsPerAnswer, b.cpuUsPerAnswer),
    busyShare: mean(a.busyShare, b.busyShare),
    lateP99Us: Math.max(a.lateP99Us, b.lateP99Us),
    waitedShare: mean(a.waitedShare, b.waitedShare),
  };
}
