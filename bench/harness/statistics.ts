import type { Goal, Row, Suite } from '../suites/suite.ts';
import { rowKey } from '../suites/suite.ts';
import type { Measurement } from './measure.ts';

/** All rounds of one row, in order. */
export interface RowRounds {
  readonly row: Row;
  readonly rounds: Measurement[];
}

export interface RowSummary {
  readonly row: Row;
  readonly rounds: readonly Measurement[];
  readonly median: Pick<
    Measurement,
    'cpuUs' | 'requestsPerSecond' | 'p50Us' | 'p99Us' | 'peakMb' | 'errors' | 'requests' | 'coreShare'
  >;
  /** CPU time per request over that of the reference in the same round, median over the rounds. */
  readonly toPlain: number | undefined;
  readonly toSdk: number | undefined;
}

export interface GoalResult {
  readonly title: string;
  readonly atMost: number;
  /** Undefined when a row of the goal was not measured. */
  readonly ratio: number | undefined;
  readonly perRound: readonly number[];
  readonly met: boolean | undefined;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

/** The ratio of CPU time per request in each round that both rows were measured in. */
function cpuRatios(row: RowRounds | undefined, reference: RowRounds | undefined): number[] {
  if (row === undefined || reference === undefined) return [];
  const ratios: number[] = [];
  for (const [index, measurement] of row.rounds.entries()) {
    const other = reference.rounds[index];
    if (other === undefined || other.cpuUs === 0 || measurement.cpuUs === 0) continue;
    ratios.push(
      row.row.group === reference.row.group ? sliceRatio(measurement, other) : measurement.cpuUs / other.cpuUs,
    );
  }
  return ratios;
}

/** The median over slices of the ratio between slices that were measured one after the other. */
function sliceRatio(measurement: Measurement, other: Measurement): number {
  const pairs = measurement.sliceCpuUs.map((cpuUs, turn) => [cpuUs, other.sliceCpuUs[turn] ?? 0] as const);
  return median(
    pairs.filter(([own, reference]) => own > 0 && reference > 0).map(([own, reference]) => own / reference),
  );
}

const significant = (value: number): number => Number(value.toPrecision(4));

function medianOf(ratios: readonly number[]): number | undefined {
  return ratios.length === 0 ? undefined : significant(median(ratios));
}

/** Medians of a suite's rows and their ratios to plain node:http and to the SDK of the same toolset and scenario. */
export function summarise(measured: ReadonlyMap<string, RowRounds>): RowSummary[] {
  return [...measured.values()].map((entry) => {
    const { row, rounds } = entry;
    const of = (key: keyof RowSummary['median']): number => median(rounds.map((round) => round[key]));
    const to = (contender: string): number | undefined =>
      medianOf(cpuRatios(entry, measured.get(rowKey({ ...row, contender }))));
    return {
      row,
      rounds,
      median: {
        cpuUs: of('cpuUs'),
        requestsPerSecond: of('requestsPerSecond'),
        p50Us: of('p50Us'),
        p99Us: of('p99Us'),
        peakMb: of('peakMb'),
        errors: rounds.reduce((sum, round) => sum + round.errors, 0),
        requests: of('requests'),
        coreShare: of('coreShare'),
      },
      toPlain: to('plain-http'),
      toSdk: to('sdk-v2'),
    };
  });
}

function judge(goal: Goal, measured: ReadonlyMap<string, RowRounds>): GoalResult {
  const ratios = cpuRatios(measured.get(rowKey(goal.row)), measured.get(rowKey(goal.reference)));
  const ratio = medianOf(ratios);
  return {
    title: goal.title,
    atMost: significant(goal.atMost),
    ratio,
    perRound: ratios.map(significant),
    met: ratio === undefined ? undefined : ratio <= goal.atMost,
  };
}

export function judgeGoals(suite: Suite, measured: ReadonlyMap<string, RowRounds>): GoalResult[] {
  return suite.goals.map((goal) => judge(goal, measured));
}
