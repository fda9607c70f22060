import { OptionError } from '../kernel/errors.ts';
import { booleanOption, integerOption, numberOption, objectOption } from '../kernel/options.ts';

/** Sends metrics and traces to an OpenTelemetry collector, by OTLP over HTTP in JSON. */
export interface OtlpOptions {
  /** The collector's address, such as `http://127.0.0.1:4318`; `/v1/metrics` and `/v1/traces` are below it. */
  readonly endpoint: string;
  /** Sent with each request, such as an API key. */
  readonly headers?: { readonly [name: string]: string };
  /** @default true */
  readonly metrics?: boolean;
  /** @default true */
  readonly traces?: boolean;
  /** Between two exports of metrics, in milliseconds. @default 60_000 */
  readonly intervalMs?: number;
  /** Share of the requests without a trace of their client that begin one, 0 to 1. @default 1 */
  readonly sampleRatio?: number;
}

export interface ResolvedOtlp extends Required<OtlpOptions> {}

const KEYS = ['endpoint', 'headers', 'metrics', 'traces', 'intervalMs', 'sampleRatio'] as const;

/** Checks the options; nothing where there are none. @throws {OptionError} */
export function resolveOtlp(options: unknown): ResolvedOtlp | undefined {
  if (options === undefined) return undefined;
  const given = objectOption('monitor.otlp', options, KEYS);
  return Object.freeze({
    endpoint: checkEndpoint(given.endpoint),
    headers: checkHeaders(given.headers),
    metrics: booleanOption('monitor.otlp.metrics', given.metrics, true),
    traces: booleanOption('monitor.otlp.traces', given.traces, true),
    intervalMs: integerOption('monitor.otlp.intervalMs', given.intervalMs, 60_000, { min: 1_000, max: 3_600_000 }),
    sampleRatio: numberOption('monitor.otlp.sampleRatio', given.sampleRatio, 1, { min: 0, max: 1 }),
  });
}

function checkEndpoint(value: unknown): string {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (url === null || !isHttp || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '')
    throw new OptionError(
      'monitor.otlp.endpoint',
      'must be a URL of http: or https: without user, password and query',
      `a ${typeof value}`,
    );
  return url.href.replace(/\/+$/, '');
}

/** Their values may be secrets, and are not shown. */
function checkHeaders(value: unknown): { readonly [name: string]: string } {
  if (value === undefined) return {};
  const entries = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
  const areValid = entries.every(([name, text]) => /^[\w!#$%&'*+.^`|~-]+$/.test(name) && isHeaderValue(text));
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !areValid)
    throw new OptionError('monitor.otlp.headers', 'must be an object of header names and values', `a ${typeof value}`);
  return Object.freeze(Object.fromEntries(entries) as Record<string, string>);
}

function isHeaderValue(text: unknown): boolean {
  return typeof text === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(text);
}
