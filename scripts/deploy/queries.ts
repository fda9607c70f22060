/** What rules and dashboards ask Prometheus, in the names of the monitor's own definitions. */
import { METRICS, type MetricDefinition } from '../../src/monitor/definitions.ts';

/** A counter's name as it is exposed. */
export const total = ({ name }: MetricDefinition): string => `${name}_total`;

const PER_SERVER = 'by (job, instance)';

/** A sum over all series of a server of the rate of a counter. */
export function rateOf(metric: MetricDefinition, window: string, selector = ''): string {
  return `sum ${PER_SERVER} (rate(${total(metric)}${braces(selector)}[${window}]))`;
}

export function increaseOf(metric: MetricDefinition, window: string, selector = ''): string {
  return `sum ${PER_SERVER} (increase(${total(metric)}${braces(selector)}[${window}]))`;
}

/** A quantile of a histogram, in its unit. */
export function quantileOf(metric: MetricDefinition, share: number, window: string, selector = ''): string {
  const rate = `rate(${metric.name}_bucket${braces(selector)}[${window}])`;
  return `histogram_quantile(${share}, sum by (job, instance, le) (${rate}))`;
}

/** The mean of a gauge over a window, the greatest where a server has several. */
export function meanOf({ name }: MetricDefinition, window: string, selector = ''): string {
  return `avg_over_time(${name}${braces(selector)}[${window}])`;
}

export const FAILED = 'outcome=~"error|tool_error"';

/** The figures that alerts are about, in percent or milliseconds, over a window; `selector` chooses servers. */
export const FIGURES = {
  cpuUsage: (window: string, selector = '') =>
    `100 * ${rateOf(METRICS.cpu, window, selector)} / sum ${PER_SERVER} (${METRICS.cores.name}${braces(selector)})`,
  memoryUsage: (window: string, selector = '') =>
    `max ${PER_SERVER} (100 * ${meanOf(METRICS.resident, window, selector)} / ${METRICS.memoryLimit.name}${braces(selector)})`,
  responseTime: (window: string, selector = '') => `1000 * ${quantileOf(METRICS.duration, 0.95, window, selector)}`,
  errorRate: (window: string, selector = '') =>
    `100 * ${rateOf(METRICS.requests, window, and(selector, FAILED))} / ${rateOf(METRICS.requests, window, selector)}`,
  cacheHitRate: (window: string, selector = '') => {
    const hits = rateOf(METRICS.cacheHits, window, selector);
    return `100 * ${hits} / (${hits} + ${rateOf(METRICS.cacheMisses, window, selector)})`;
  },
  connectionPool: (window: string, selector = '') =>
    `max by (job, instance, pool) (100 * ${meanOf(METRICS.poolUtilization, window, selector)})`,
} as const;

/** What an alert needs enough of before it is judged. */
export const SAMPLES = {
  responseTime: (window: string) => increaseOf(METRICS.requests, window),
  errorRate: (window: string) => increaseOf(METRICS.requests, window),
  cacheHitRate: (window: string) =>
    `(${increaseOf(METRICS.cacheHits, window)} + ${increaseOf(METRICS.cacheMisses, window)})`,
} as const;

function and(...selectors: readonly string[]): string {
  return selectors.filter((selector) => selector !== '').join(', ');
}

function braces(selector: string): string {
  return selector === '' ? '' : `{${selector}}`;
}
