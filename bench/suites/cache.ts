import { fileURLToPath } from 'node:url';
import { startRedis } from '../../test/services/redis.ts';
import type { MixResult } from '../cache/mix.ts';
import type { TierResult } from '../cache/tiers.ts';
import { SERVER_CORE } from '../harness/measure.ts';
import { startScript } from '../harness/processes.ts';
import type { ExtraResult } from './extra.ts';
import type { Row, Suite } from './suite.ts';

const LONGEST_MS = 300_000;

function row(contender: string): Row {
  return { group: 'call', contender, toolset: '3', scenario: 'call-modern' };
}

const fixed = (value: number): string => value.toFixed(value < 10 ? 2 : 1);
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** What a hit, a miss and a joined miss cost, and what a Zipf mix of 100,000 keys comes to, in a process of its own. */
async function measureInProcess(): Promise<ExtraResult> {
  const redis = process.env.REDIS_URL === undefined ? await startRedis() : undefined;
  const child = startScript({
    core: SERVER_CORE,
    script: fileURLToPath(new URL('../cache/main.ts', import.meta.url)),
    scriptArguments: [redis?.url ?? (process.env.REDIS_URL as string)],
  });
  try {
    const { tiers, mixes } = JSON.parse(await child.nextLine(LONGEST_MS)) as {
      tiers: TierResult[];
      mixes: MixResult[];
    };
    const both = mixes.at(-1) as MixResult;
    return {
      tables: [
        {
          title: 'Reads of the cache, in the process (the values are objects of 300 bytes)',
          headings: ['read', 'reads', 'µs', 'CPU µs'],
          rows: tiers.map(({ what, reads, wallUs, cpuUs }) => [what, reads, fixed(wallUs), fixed(cpuUs)]),
        },
        {
          title:
            'Zipf(1.0) over 100,000 keys from an empty cache, 10,000 values in memory, a tool that works some 30 µs',
          headings: ['answers kept in', 'calls', 'computations', 'hit rate', 'CPU µs a call', 'calls/s'],
          rows: mixes.map((mix) => [
            mix.variant,
            mix.calls,
            mix.computations,
            percent(mix.hitRate),
            fixed(mix.cpuUsPerCall),
            Math.round(mix.callsPerSecond),
          ]),
        },
      ],
      goals: [{ title: 'hit rate of the Zipf mix with Redis', value: both.hitRate, atLeast: 0.89 }],
    };
  } finally {
    await child.stop();
    await redis?.stop();
  }
}

export const suite: Suite = {
  name: 'cache',
  rows: ['plain-http', 'lane-fixed', 'peregrine', 'peregrine-cached'].map(row),
  goals: [
    {
      title: 'a cached tools/call: within 25 % of the lane with fixed answers',
      row: row('peregrine-cached'),
      reference: row('lane-fixed'),
      atMost: 1.25,
    },
  ],
  extra: measureInProcess,
  connections: 16,
  requests: 60_000,
  measuredMs: 4_000,
  roundMs: 30_000,
  slices: 12,
  warmUp: { requests: 40_000, ms: 3_000 },
};
