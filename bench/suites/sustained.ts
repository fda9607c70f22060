import { runLoad, stagesOf, summarize, withWarmUp } from '../../src/load/load.ts';
import { slopeOf } from '../guide/slope.ts';
import { callsUnder, Subject } from '../guide/subject.ts';
import type { ExtraResult, SuiteTime } from './extra.ts';
import { ownSuite } from './suite.ts';

const RATE = 10_000;
const CONNECTIONS = 500;
const MINUTES_5 = 300_000;
const WARM_UP_MS = 10_000;
/** Memory settles in the first part of a run. */
const SETTLED_SHARE = 0.4;

/** What the guide reports of its reference machine. */
const GUIDE = { perSecond: 12_847, meanMs: 18.3, p95Ms: 45, p99Ms: 78, errorPercent: 0.12 };

async function measureSustained({ ms = MINUTES_5 }: SuiteTime): Promise<ExtraResult> {
  const subject = await Subject.start('peregrine-cached');
  const memory: [answers: number, mb: number][] = [];
  let answers = 0;
  let cpuUs = 0;
  try {
    const stages = withWarmUp(stagesOf({ profile: 'sustained', peak: RATE, durationMs: ms }), WARM_UP_MS);
    const plan = callsUnder(subject, { loop: 'open', connections: CONNECTIONS, stages }, (second) => {
      if (memory.length === 0) cpuUs = -subject.cpuUs;
      answers += second.answers;
      memory.push([answers / 1e6, subject.residentMb]);
    });
    const outcome = await runLoad(plan);
    cpuUs += subject.cpuUs;
    const { latency, answersPerSecond, errorShare, errors, generator } = summarize(describe(subject), outcome);
    const settled = memory.slice(Math.floor(memory.length * SETTLED_SHARE));
    const first = memory[0]?.[0] ?? 0;
    return {
      tables: [
        {
          title: `${RATE} requests/s wanted over ${CONNECTIONS} connections for ${ms / 1_000} s; server and load on a core each`,
          headings: ['', 'here', "the guide's machine"],
          rows: [
            ['answers/s', Math.round(answersPerSecond), GUIDE.perSecond],
            ['mean, ms', (latency.meanUs / 1_000).toFixed(2), String(GUIDE.meanMs)],
            ['P95, ms', (latency.p95Us / 1_000).toFixed(2), String(GUIDE.p95Ms)],
            ['P99, ms', (latency.p99Us / 1_000).toFixed(2), String(GUIDE.p99Ms)],
            ['longest, ms', (latency.maxUs / 1_000).toFixed(1), '-'],
            ['errors, %', (errorShare * 100).toFixed(3), String(GUIDE.errorPercent)],
            ['server CPU, µs an answer', (cpuUs / (answers - first * 1e6 || 1)).toFixed(1), '-'],
            ['resident memory at the end, MB', (memory.at(-1)?.[1] ?? 0).toFixed(1), '-'],
            ['generator CPU, µs an answer', generator.cpuUsPerAnswer.toFixed(1), '-'],
            ['generator: 99 % sent within, ms', (generator.lateP99Us / 1_000).toFixed(2), '-'],
          ],
        },
      ],
      goals: [
        { title: 'answers/s of the rate wanted', value: answersPerSecond / RATE, atLeast: 0.99 },
        { title: 'errors', value: errors, atMost: 0 },
        { title: 'P99, ms', value: latency.p99Us / 1_000, atMost: 20 },
        { title: 'growth of memory, MB a million answers', value: slopeOf(settled), atMost: 1 },
      ],
    };
  } finally {
    await subject.stop();
  }
}

function describe({ port }: Subject): Parameters<typeof summarize>[0] {
  const load = { loop: 'open', profile: 'sustained', connections: CONNECTIONS, rate: RATE, mix: [], seed: 1 } as const;
  const url = `http://127.0.0.1:${port}/mcp`;
  return { url, server: undefined, protocol: '2026-07-28', startedAt: new Date().toISOString(), load };
}

export const suite = ownSuite('sustained', measureSustained);
