import type { AlertKey, Vitals } from '../vitals.ts';

/** What was seen in one second, and how much of it there was: seconds, or requests. */
export interface Reading {
  /** What it is about where a key has several, such as a pool's name; else empty. */
  readonly subject: string;
  readonly value: number;
  readonly weight: number;
}

/** What one alert watches, and how. */
export interface AlertRule {
  readonly key: AlertKey;
  /** For people, such as `CPU usage`. */
  readonly title: string;
  readonly unit: '%' | 'ms';
  /** Beyond it the alert fires. */
  readonly threshold: number;
  readonly max: number;
  /** Whether small values are the bad ones. */
  readonly isBelow: boolean;
  /** How many requests a window must hold before it is judged; 0 for what is there in every second. */
  readonly minSamples: number;
  /** How the seconds of a window are taken together, each with its weight. */
  readonly middle: 'mean' | 'median';
  /** What one second showed; nothing where there was nothing to see. */
  read(vitals: Vitals, seconds: number): readonly Reading[];
}

const MIN_SAMPLES = 100;
const GAUGE = { unit: '%', max: 100, isBelow: false, minSamples: 0, middle: 'mean' } as const;
const RATE = { unit: '%', max: 100, minSamples: MIN_SAMPLES, middle: 'mean' } as const;

/** All that can be alerted on, by the guide's keys and with its thresholds. */
export const ALERT_RULES: readonly AlertRule[] = Object.freeze([
  {
    ...GAUGE,
    key: 'cpuUsage',
    title: 'CPU usage',
    threshold: 85,
    read: ({ cpu }, seconds) => [{ subject: '', value: cpu.usage, weight: seconds }],
  },
  {
    ...GAUGE,
    key: 'memoryUsage',
    title: 'Memory usage',
    threshold: 90,
    read: ({ memory }, seconds) => [{ subject: '', value: memory.percentage, weight: seconds }],
  },
  {
    key: 'responseTime',
    title: 'Response time (P95)',
    unit: 'ms',
    threshold: 5_000,
    max: 3_600_000,
    isBelow: false,
    minSamples: MIN_SAMPLES,
    middle: 'median',
    read: ({ responseTime, requests }, seconds) =>
      responseTime === null ? [] : [{ subject: '', value: responseTime.p95, weight: requests.perSecond * seconds }],
  },
  {
    ...RATE,
    key: 'errorRate',
    title: 'Error rate',
    threshold: 5,
    isBelow: false,
    read: ({ requests }, seconds) => share(requests.errorsPerSecond * seconds, requests.perSecond * seconds),
  },
  {
    ...RATE,
    key: 'cacheHitRate',
    title: 'Cache hit rate',
    threshold: 70,
    isBelow: true,
    read: ({ cache }, seconds) =>
      share(cache.hitsPerSecond * seconds, (cache.hitsPerSecond + cache.missesPerSecond) * seconds),
  },
  {
    ...GAUGE,
    key: 'connectionPool',
    title: 'Pool utilization',
    threshold: 90,
    read: ({ pools }, seconds) =>
      Object.entries(pools).map(([subject, pool]) => ({ subject, value: 100 * pool.utilization, weight: seconds })),
  },
] satisfies AlertRule[]);

function share(part: number, whole: number): readonly Reading[] {
  return whole > 0 ? [{ subject: '', value: (100 * part) / whole, weight: whole }] : [];
}

/** Whether a value is beyond a rule's threshold. */
export function isBeyond({ isBelow }: AlertRule, threshold: number, value: number): boolean {
  return isBelow ? value < threshold : value > threshold;
}

/** Where an alert clears: a tenth of the threshold, or of what is left up to 100 %, on its good side. */
export function clearingThreshold({ isBelow }: AlertRule, threshold: number): number {
  return isBelow ? threshold + (100 - threshold) / 10 : threshold * 0.9;
}
