import type { HrTime } from '@opentelemetry/api';
import type { DataPoint, Histogram, MetricData } from '@opentelemetry/sdk-metrics';
import { boundsOf, cumulate, EMPTY } from '../histogram-data.ts';
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
        dataPoints: points((sample) => toHistogram(sample.histogram ?? EMPTY, boundsOf(unit))),
      };
    const dataPoints = points(({ value }) => value ?? 0);
    if (kind === 'counter') return { ...base, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
    return { ...base, dataPointType: DataPointType.GAUGE, dataPoints };
  });
}

function toAttributes({ labels }: MetricSample): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [CONVENTIONAL[name] ?? name, value]));
}

function toHistogram(data: HistogramData, bounds: readonly number[]): Histogram {
  const below = cumulate(data, bounds);
  const counts = [...below, data.count].map((count, at) => count - (below[at - 1] ?? 0));
  return { buckets: { boundaries: [...bounds], counts }, sum: data.sum, count: data.count };
}

/** Seconds and nanoseconds of a time in milliseconds. */
export function toHrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * MILLION)];
}
