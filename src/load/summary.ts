import type { LatencySummary } from './latency-histogram.ts';
import type { GeneratorFigures, RunOutcome } from './load-run.ts';
import type { Second } from './time-line.ts';

/** What a run was, and what came of it: the JSON that is written. */
export interface LoadSummary {
  readonly format: 1;
  readonly url: string;
  readonly server: string | undefined;
  readonly protocol: string;
  readonly startedAt: string;
  readonly load: {
    readonly loop: 'closed' | 'open';
    readonly profile: string;
    /** Most connections of a closed loop, or all of an open one. */
    readonly connections: number;
    /** Requests a second of an open loop, at most. */
    readonly rate: number | undefined;
    readonly mix: readonly { readonly name: string; readonly weight: number }[];
    readonly seed: number;
  };
  readonly seconds: number;
  /** Answers of any kind, wrong ones included. */
  readonly answers: number;
  readonly answersPerSecond: number;
  /** Answers that were right, a second. */
  readonly goodPerSecond: number;
  readonly errors: number;
  /** Errors as a share of answers and of requests without one. */
  readonly errorShare: number;
  readonly errorKinds: { readonly [kind: string]: number };
  readonly bodyBytes: number;
  readonly latency: Latency;
  readonly operations: readonly {
    readonly name: string;
    readonly answers: number;
    readonly errors: number;
    readonly latency: Latency;
  }[];
  /** Latencies in microseconds with the share of answers that took no longer. */
  readonly distribution: readonly (readonly [us: number, share: number])[];
  readonly timeLine: readonly Second[];
  readonly generator: GeneratorFigures & { readonly wasLimit: boolean; readonly remark: string | undefined };
  readonly aborted: string | undefined;
}

export interface Latency extends LatencySummary {
  readonly p75Us: number;
  readonly p95Us: number;
}

const SHARES = [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999, 1] as const;
const DISTRIBUTION_POINTS = 200;
const BUSY = 0.9;
const LATE_SHARE = 0.1;
const LATE_US = 2_000;

type Described = Pick<LoadSummary, 'url' | 'server' | 'protocol' | 'startedAt' | 'load'>;

/** Sums a run up. */
export function summarize(what: Described, { tally, elapsedMs, aborted, generator }: RunOutcome): LoadSummary {
  const seconds = elapsedMs / 1_000;
  const { answers, failures } = tally;
  const wrongAnswers = tally.operations.reduce((sum, { errors }) => sum + errors, 0);
  const latency = latencyOf(tally.latency);
  const all = Math.max(1, answers + Math.max(0, failures - wrongAnswers));
  return {
    format: 1,
    ...what,
    seconds,
    answers,
    answersPerSecond: perSecond(answers, seconds),
    goodPerSecond: perSecond(Math.max(0, answers - failures), seconds),
    errors: failures,
    errorShare: failures / all,
    errorKinds: Object.fromEntries([...tally.errors].sort(([, a], [, b]) => b - a)),
    bodyBytes: tally.bodyBytes,
    latency,
    operations: tally.operations.map((one) => ({
      ...{ name: one.name, answers: one.latency.count, errors: one.errors },
      latency: latencyOf(one.latency),
    })),
    distribution: distributionOf(tally.latency),
    timeLine: tally.timeLine.seconds,
    generator: { ...generator, ...verdictOf(generator, latency) },
    aborted,
  };
}

function latencyOf(histogram: RunOutcome['tally']['latency']): Latency {
  const us = (share: number): number => Math.round(histogram.percentile(share) / 10) / 100;
  return { ...histogram.summary(), p75Us: us(0.75), p95Us: us(0.95) };
}

function distributionOf(histogram: RunOutcome['tally']['latency']): (readonly [number, number])[] {
  if (histogram.count === 0) return [];
  const even = Array.from({ length: DISTRIBUTION_POINTS }, (_, index) => index / DISTRIBUTION_POINTS);
  const shares = [...new Set([...even, ...SHARES])].sort((a, b) => a - b);
  return shares.map((share) => [Math.round(histogram.percentile(share) / 1_000), share] as const);
}

function perSecond(count: number, seconds: number): number {
  return seconds === 0 ? 0 : count / seconds;
}

/** Whether the figures say more about the generator than about the server. */
function verdictOf(
  { busyShare, lateP99Us, waitedShare }: GeneratorFigures,
  { p99Us }: Latency,
): { readonly wasLimit: boolean; readonly remark: string | undefined } {
  if (busyShare >= BUSY)
    return { wasLimit: true, remark: `the generator's event loop was busy for ${percent(busyShare)} of the time` };
  if (lateP99Us > LATE_US && lateP99Us > p99Us * LATE_SHARE)
    return {
      wasLimit: true,
      remark: `the generator sent 1 % of the requests ${Math.round(lateP99Us / 1_000)} ms late or more`,
    };
  if (waitedShare > 0.01)
    return {
      wasLimit: false,
      remark: `${percent(waitedShare)} of the requests waited for a free connection, which counts in their latency`,
    };
  return { wasLimit: false, remark: undefined };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}
