import type { LoadSummary } from './summary.ts';

/** A condition under which a run has failed, such as `p99 > 50ms`. */
export interface Threshold {
  readonly text: string;
  /** The figure that was found, as it is printed, where the condition holds. */
  check(summary: LoadSummary): string | undefined;
}

const MS = (us: number): number => us / 1_000;

const FIGURES: { readonly [name: string]: (summary: LoadSummary) => number } = {
  avg: ({ latency }) => MS(latency.meanUs),
  min: ({ latency }) => MS(latency.minUs),
  p50: ({ latency }) => MS(latency.p50Us),
  p75: ({ latency }) => MS(latency.p75Us),
  p90: ({ latency }) => MS(latency.p90Us),
  p95: ({ latency }) => MS(latency.p95Us),
  p99: ({ latency }) => MS(latency.p99Us),
  'p99.9': ({ latency }) => MS(latency.p999Us),
  max: ({ latency }) => MS(latency.maxUs),
  rps: ({ answersPerSecond }) => answersPerSecond,
  goodput: ({ goodPerSecond }) => goodPerSecond,
  errors: ({ errorShare }) => errorShare * 100,
};
const RATES = new Set(['rps', 'goodput']);

/** The names that a threshold can compare. */
export const THRESHOLD_FIGURES: readonly string[] = Object.freeze(Object.keys(FIGURES));

/**
 * Reads a condition: a figure, `>` or `<`, and a value. Latencies are in `ms` or `s` (`us` as well), `errors` in `%`, `rps` and
 * `goodput` are plain.
 *
 * @throws {RangeError} with what is wrong with it.
 */
export function parseThreshold(text: string): Threshold {
  const [, name = '', operator, value, unit = ''] =
    /^\s*([a-z0-9.]+)\s*([<>])\s*(\d+(?:\.\d+)?)\s*(us|ms|s|%)?\s*$/.exec(text) ?? [];
  const figure = Object.hasOwn(FIGURES, name) ? FIGURES[name] : undefined;
  if (operator === undefined) throw new RangeError(`"${text}" is not FIGURE>VALUE or FIGURE<VALUE, such as p99>50ms`);
  if (figure === undefined) throw new RangeError(`"${name}" is none of ${THRESHOLD_FIGURES.join(', ')}`);
  const expected = name === 'errors' ? ['%'] : RATES.has(name) ? [''] : ['us', 'ms', 's'];
  if (!expected.includes(unit))
    throw new RangeError(
      `"${text}": ${name} is compared ${expected[0] === '' ? 'without a unit' : `in ${expected.join(', ')}`}`,
    );
  const limit = Number(value) * (unit === 's' ? 1_000 : unit === 'us' ? 0.001 : 1);
  const shown = name === 'errors' ? ' %' : RATES.has(name) ? '' : ' ms';
  return {
    text: text.trim(),
    check(summary) {
      const found = figure(summary);
      const holds = operator === '>' ? found > limit : found < limit;
      return holds ? `${name} is ${found.toFixed(found < 10 ? 3 : 1)}${shown}` : undefined;
    },
  };
}
