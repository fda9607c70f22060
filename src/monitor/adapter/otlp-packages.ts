import { loadOptional } from '../../kernel/optional-package.ts';

const WHAT = 'OTLP export';

/** What both exports need. @throws {PeregrineError} `DRIVER_MISSING` */
export async function loadCommon() {
  return {
    api: await loadOptional(WHAT, '@opentelemetry/api', () => import('@opentelemetry/api')),
    resources: await loadOptional(WHAT, '@opentelemetry/resources', () => import('@opentelemetry/resources')),
  };
}

/** @throws {PeregrineError} `DRIVER_MISSING` */
export async function loadMetrics() {
  const [sdk, exporter] = ['@opentelemetry/sdk-metrics', '@opentelemetry/exporter-metrics-otlp-http'] as const;
  return {
    sdk: await loadOptional(`${WHAT} of metrics`, sdk, () => import('@opentelemetry/sdk-metrics')),
    ...(await loadOptional(`${WHAT} of metrics`, exporter, () => import('@opentelemetry/exporter-metrics-otlp-http'))),
  };
}

/** @throws {PeregrineError} `DRIVER_MISSING` */
export async function loadTraces() {
  const [sdk, exporter] = ['@opentelemetry/sdk-trace', '@opentelemetry/exporter-trace-otlp-http'] as const;
  return {
    sdk: await loadOptional(`${WHAT} of traces`, sdk, () => import('@opentelemetry/sdk-trace')),
    ...(await loadOptional(`${WHAT} of traces`, exporter, () => import('@opentelemetry/exporter-trace-otlp-http'))),
  };
}

export type OtelApi = typeof import('@opentelemetry/api');
export type MetricsSdk = typeof import('@opentelemetry/sdk-metrics');
