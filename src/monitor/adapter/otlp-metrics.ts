import type { HrTime } from '@opentelemetry/api';
import type { DataPoint, Histogram, MetricData } from '@opentelemetry/sdk-metrics';
import { upperEdge } from '../../kernel/histogram.ts';
import type { HistogramData, MetricSample, MetricSnapshot } from '../metric-family.ts';
import type { MetricsSdk, OtelApi } from './otlp-packages.ts';

/** Names that OpenTelemetry's conventions for MCP have; all else keeps its name, which Prometheus and OTLP then share. */
const CONVENTIONAL: { readonly [name: string]: string } = {
  mcp_server_operation_duration_seconds: 'mcp.server.operation.duration',
  mcp_method_name: 'mcp.method.name',
  gen_ai_tool_name: 'gen_ai.tool.name',
  gen_ai_prompt_name: 'gen_ai.prompt.name',
  error_type: 'error.type',
};
const UNITS = { seconds: 's', bytes: 'By', ratio: '1' } as const;
const MILLION = 1_000_000;

/** Upper bounds of exported buckets, in seconds: of the conventions, and finer ones below for answers that take less. */
export const BOUNDARIES: readonly number[] = Object.freeze([
  ...[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005],
  ...[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300],
]);

/** A snapshot's families as OpenTelemetry has them: cumulative since the server's start. */
export function toMetricData(snapshot: MetricSnapshot, api: OtelApi, sdk: MetricsSdk): MetricData[] {
  const [startTime, endTime] = [toHrTime(snapshot.startedAt), toHrTime(snapshot.at)];
  return snapshot.families.map((family): MetricData => {
    const { name, help, unit, kind, samples } = family;
    const base = {
      descriptor: {
        name: CONVENTIONAL[name] ?? name,
        description: help,
        unit: unit === undefined ? '' : UNITS[unit],
        valueType: api.ValueType.DOUBLE,
      },
      aggregationTemporality: sdk.AggregationTemporality.CUMULATIVE,
    };
    const points = <T>(read: (sample: MetricSample) => T): DataPoint<T>[] =>
      samples.map((sample) => ({ startTime, endTime, attributes: toAttributes(sample), value: read(sample) }));
    const { DataPointType } = sdk;
    if (kind === 'histogram')
      return {
        ...base,
        dataPointType: DataPointType.HISTOGRAM,
        dataPoints: points((sample) => toHistogram(sample.histogram)),
      };
    const dataPoints = points(({ value }) => value ?? 0);
    if (kind === 'counter') return { ...base, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
    return { ...base, dataPointType: DataPointType.GAUGE, dataPoints };
  });
}

function toAttributes({ labels }: MetricSample): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [CONVENTIONAL[name] ?? name, value]));
}

/** Each of our buckets counts where its upper edge belongs: exact within their width, which is 3.2 %. */
function toHistogram(data: HistogramData | undefined): Histogram {
  const counts = new Array<number>(BOUNDARIES.length + 1).fill(0);
  for (const [index, count] of data?.buckets ?? []) {
    const seconds = upperEdge(index) / MILLION;
    const at = BOUNDARIES.findIndex((bound) => seconds <= bound);
    const place = at === -1 ? BOUNDARIES.length : at;
    counts[place] = (counts[place] ?? 0) + count;
  }
  return { buckets: { boundaries: [...BOUNDARIES], counts }, sum: data?.sum ?? 0, count: data?.count ?? 0 };
}

/** Seconds and nanoseconds of a time in milliseconds. */
export function toHrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * MILLION)];
}
