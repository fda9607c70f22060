import type { Labels } from './families.ts';
import { boundsOf, cumulate } from './histogram-data.ts';
import type { HistogramData, MetricFamily, MetricSnapshot } from './metric-family.ts';

/** Metrics as text, for one of the formats that Prometheus reads. */
export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

interface Format {
  readonly contentType: string;
  readonly isOpen: boolean;
}

const TEXT: Format = { contentType: 'text/plain; version=0.0.4; charset=utf-8', isOpen: false };
const OPEN: Format = { contentType: 'application/openmetrics-text; version=1.0.0; charset=utf-8', isOpen: true };

/** Writes metrics as OpenMetrics 1.0 where a client prefers that, else as Prometheus text 0.0.4. */
export function expose({ families }: MetricSnapshot, accept: string | undefined): Exposition {
  const format = prefersOpen(accept ?? '') ? OPEN : TEXT;
  const lines = families.flatMap((family) => familyLines(family, format));
  if (format.isOpen) lines.push('# EOF');
  return { contentType: format.contentType, text: `${lines.join('\n')}\n` };
}

function familyLines({ name, kind, help, unit, samples }: MetricFamily, { isOpen }: Format): string[] {
  const total = kind === 'counter' ? `${name}_total` : name;
  const described = isOpen ? name : total;
  const lines = [`# HELP ${described} ${escapeHelp(help, isOpen)}`, `# TYPE ${described} ${kind}`];
  if (isOpen && unit !== undefined) lines.push(`# UNIT ${name} ${unit}`);
  const bounds = boundsOf(unit);
  for (const { labels, value, histogram } of samples) {
    if (histogram !== undefined) lines.push(...histogramLines(name, labels, { histogram, bounds, isOpen }));
    else lines.push(`${total}${labelText(labels)} ${numberText(value ?? 0)}`);
  }
  return lines;
}

interface HistogramText {
  readonly histogram: HistogramData;
  readonly bounds: readonly number[];
  readonly isOpen: boolean;
}

function histogramLines(name: string, labels: Labels, { histogram, bounds, isOpen }: HistogramText): string[] {
  const { count, sum } = histogram;
  const below = cumulate(histogram, bounds);
  const lines = bounds.map(
    (bound, at) => `${name}_bucket${labelText(labels, boundText(bound, isOpen))} ${below[at] ?? count}`,
  );
  const all = labelText(labels);
  lines.push(`${name}_bucket${labelText(labels, '+Inf')} ${count}`);
  return [...lines, `${name}_sum${all} ${numberText(sum)}`, `${name}_count${all} ${count}`];
}

function labelText(labels: Labels, le?: string): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  if (le !== undefined) pairs.push(`le="${le}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function boundText(bound: number, isOpen: boolean): string {
  return isOpen && Number.isInteger(bound) ? bound.toFixed(1) : String(bound);
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

function escapeLabel(text: string): string {
  return /[\\"\n]/.test(text) ? text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n') : text;
}

function escapeHelp(text: string, isOpen: boolean): string {
  const escaped = text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
  return isOpen ? escaped.replace(/"/g, '\\"') : escaped;
}

/** Whether an `Accept` field ranks OpenMetrics above, or as high as, plain text. */
function prefersOpen(accept: string): boolean {
  let [open, plain] = [0, 0];
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const weight = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
    const version = parameters.find((parameter) => parameter.startsWith('version='))?.slice(8) ?? '1.0.0';
    if (type === 'application/openmetrics-text' && version === '1.0.0') open = Math.max(open, weight);
    else if (type === 'text/plain') plain = Math.max(plain, weight);
  }
  return open > 0 && open >= plain;
}
