import { median } from '../harness/statistics.ts';
import { type BalancingModel, simulate } from '../scale-model/simulate.ts';
import { simulateScaling } from '../scale-model/simulate-scaling.ts';
import type { ExtraGoal, ExtraResult, ExtraTable } from '../suites/extra.ts';

const ALGORITHMS = [
  'round-robin',
  'weighted-round-robin',
  'resource-based',
  'peak-ewma',
  'least-connections',
  'omniscient',
] as const satisfies readonly BalancingModel['algorithm'][];
const SEEDS = [1, 2, 3];
/** Seven tenths of what all can do; a tenth of them is slow. */
const LOADED = { slowShare: 0.1, slowSpeed: 0.4, load: 0.7 };
/** Seconds of virtual time: where slow backends get more than they can do, times grow with them. */
const FLEETS = [
  { backends: 16, durationS: 60 },
  { backends: 1_000, durationS: 4 },
] as const;
const STEP_AT_S = 130;

interface Chosen {
  readonly algorithm: string;
  readonly backends: number;
  readonly p50: number;
  readonly p99: number;
}

const fixed = (value: number): string => value.toFixed(value < 100 ? 1 : 0);

function choose(algorithm: BalancingModel['algorithm'], fleet: (typeof FLEETS)[number]): Chosen {
  const results = SEEDS.map((seed) => simulate({ ...LOADED, ...fleet, algorithm, seed }));
  const { backends } = fleet;
  return {
    algorithm,
    backends,
    p50: median(results.map(({ p50 }) => p50)),
    p99: median(results.map(({ p99 }) => p99)),
  };
}

function algorithmTable(chosen: readonly Chosen[]): ExtraTable {
  const of = (algorithm: string, backends: number): Chosen | undefined =>
    chosen.find((one) => one.algorithm === algorithm && one.backends === backends);
  const cells = (algorithm: string): string[] =>
    FLEETS.flatMap(({ backends }) => {
      const { p50 = Number.NaN, p99 = Number.NaN } = of(algorithm, backends) ?? {};
      return [fixed(p50), fixed(p99), (p99 / (of('omniscient', backends)?.p99 ?? Number.NaN)).toFixed(2)];
    });
  return {
    title:
      'Model: 70 % load, a tenth of the backends at 0.4 speed, requests of 10 ms in the mean, 60 s or 4 s long; medians of three seeds',
    headings: ['algorithm', ...FLEETS.flatMap(({ backends }) => [`${backends}: P50 ms`, 'P99 ms', '/ omniscient'])],
    rows: ALGORITHMS.map((algorithm) => [algorithm, ...cells(algorithm)]),
  };
}

/** The pickers and the autoscaler as they are in production, in virtual time. */
export function measureModel(): ExtraResult {
  const chosen = FLEETS.flatMap((fleet) => ALGORITHMS.map((algorithm) => choose(algorithm, fleet)));
  const steps = SEEDS.map((seed) => {
    const scaled = simulateScaling({ demand: 1, step: 8, noise: 0.3, seed, stepAtS: STEP_AT_S, durationS: 430 });
    return { seed, ...scaled };
  });
  const p99 = (algorithm: string): number =>
    chosen.find((one) => one.algorithm === algorithm && one.backends === 16)?.p99 ?? Number.NaN;
  const goals: ExtraGoal[] = [
    {
      title: 'P99 of least-connections / omniscient, 16 backends',
      value: p99('least-connections') / p99('omniscient'),
      atMost: 1.2,
    },
    {
      title: 'recovery from eight times the load, s',
      value: Math.max(...steps.map((one) => one.recoveredAfterS)),
      atMost: 5,
    },
    { title: 'share refused in that', value: Math.max(...steps.map((one) => one.shedShare)), atMost: 0.01 },
  ];
  return {
    tables: [
      algorithmTable(chosen),
      {
        title: 'Model: eight times the load at once, 30 % noise',
        headings: ['seed', 'recovered after s', 'refused', 'requests'],
        rows: steps.map((one) => [
          String(one.seed),
          one.recoveredAfterS.toFixed(1),
          `${(100 * one.shedShare).toFixed(2)} %`,
          one.requests,
        ]),
      },
    ],
    goals,
  };
}
