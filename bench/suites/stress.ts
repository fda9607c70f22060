import { runLoad, type Second, stagesOf, withWarmUp } from '../../src/load/load.ts';
import { callsUnder, Subject } from '../guide/subject.ts';
import type { ExtraResult, SuiteTime } from './extra.ts';
import { ownSuite } from './suite.ts';

const CONNECTIONS = 2_000;
const MINUTES_2 = 120_000;
const WARM_UP_MS = 5_000;

/** What the guide reports of its reference machine, at 1,800 connections. */
const GUIDE = { perSecond: 28_500, meanMs: 89, errorPercent: 0.8 };

async function measureStress({ ms = MINUTES_2 }: SuiteTime): Promise<ExtraResult> {
  const subject = await Subject.start('peregrine-cached');
  const seconds: Second[] = [];
  try {
    const stages = withWarmUp(stagesOf({ profile: 'stress', peak: CONNECTIONS, durationMs: ms }), WARM_UP_MS);
    const plan = callsUnder(subject, { loop: 'closed', connections: CONNECTIONS, stages }, (second) =>
      seconds.push(second),
    );
    const { tally, generator } = await runLoad(plan);
    const levels = [...new Set(seconds.map(({ wanted }) => wanted))].filter((level) => level > 0);
    const steps = levels.map((level) => stepOf(level, seconds));
    const last = steps.at(-1);
    return {
      tables: [
        {
          title: `closed loop, connections rising to ${CONNECTIONS} in ${ms / 1_000} s; server and load on a core each (the guide: ${GUIDE.perSecond} requests/s at 1,800 connections, mean ${GUIDE.meanMs} ms, ${GUIDE.errorPercent} % errors)`,
          headings: ['connections', 'answers/s', 'P50 ms', 'P99 ms', 'longest ms', 'errors'],
          rows: steps.map((step) => [
            step.connections,
            Math.round(step.perSecond),
            step.p50Ms.toFixed(1),
            step.p99Ms.toFixed(1),
            step.maxMs.toFixed(1),
            step.errors,
          ]),
        },
      ],
      goals: [
        { title: `answers/s at ${CONNECTIONS} connections`, value: last?.perSecond ?? 0, atLeast: 28_500 },
        { title: 'errors', value: tally.failures, atMost: 0 },
        { title: 'CPU of the generator, µs an answer', value: generator.cpuUsPerAnswer, atMost: 25 },
      ],
    };
  } finally {
    await subject.stop();
  }
}

/** What held while so many connections sent: medians over its seconds, and the worst. */
function stepOf(connections: number, all: readonly Second[]) {
  const seconds = all.filter(({ wanted }) => wanted === connections);
  const middle = (of: (second: Second) => number): number => {
    const sorted = seconds.map(of).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? 0;
  };
  return {
    connections,
    perSecond: middle(({ answers }) => answers),
    p50Ms: middle(({ p50Us }) => p50Us) / 1_000,
    p99Ms: middle(({ p99Us }) => p99Us) / 1_000,
    maxMs: Math.max(...seconds.map(({ maxUs }) => maxUs)) / 1_000,
    errors: seconds.reduce((sum, { errors }) => sum + errors, 0),
  };
}

export const suite = ownSuite('stress', measureStress);
