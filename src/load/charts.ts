/** One line of a chart. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Index of its colour. */
  readonly color: number;
  readonly dashed?: boolean;
}

export interface ChartOptions {
  readonly title: string;
  readonly series: readonly Series[];
  /** Where a value stands between 0 and 1. */
  readonly xTicks: readonly (readonly [x: number, label: string])[];
  readonly xLabel: string;
  readonly yLabel: string;
  /** @default 'linear' */
  readonly yScale?: 'linear' | 'log';
}

const WIDTH = 720;
const HEIGHT = 260;
const LEFT = 64;
const RIGHT = 12;
const TOP = 12;
const BOTTOM = 40;
const Y_TICKS = 5;

/** A line chart as SVG, without scripts. Text comes in as plain text. */
export function lineChart({ title, series, xTicks, xLabel, yLabel, yScale = 'linear' }: ChartOptions): string {
  const points = series.flatMap((one) => one.points);
  if (points.length === 0) return `<p>${escapeHtml(title)}: nothing to show.</p>`;
  const xs = [...points.map(([x]) => x), ...xTicks.map(([x]) => x)];
  const ys = points.map(([, y]) => y);
  const [xMin, xMax] = [Math.min(...xs), Math.max(...xs)];
  const y = yScale === 'log' ? logScale(ys) : linearScale(ys);
  const px = (value: number): number => LEFT + ((value - xMin) / (xMax - xMin || 1)) * (WIDTH - LEFT - RIGHT);
  const py = (value: number): number => HEIGHT - BOTTOM - y.place(value) * (HEIGHT - TOP - BOTTOM);
  const grid = y.ticks.map((tick) => gridLine(py(tick), tick));
  const below = xTicks.map(
    ([x, label]) =>
      `<text class="t" text-anchor="middle" x="${px(x).toFixed(1)}" y="${HEIGHT - BOTTOM + 16}">${escapeHtml(label)}</text>`,
  );
  const lines = series.map(({ points: own, color, dashed, name }) => {
    const path = own.map(
      ([x, value], index) => `${index === 0 ? 'M' : 'L'}${px(x).toFixed(1)} ${py(value).toFixed(1)}`,
    );
    return `<path class="l c${color}"${dashed === true ? ' stroke-dasharray="5 4"' : ''} d="${path.join('')}"><title>${escapeHtml(name)}</title></path>`;
  });
  const labels = `<text class="t" text-anchor="middle" x="${WIDTH / 2}" y="${HEIGHT - 4}">${escapeHtml(xLabel)}</text>`;
  const legend = series
    .map(
      ({ name, color, dashed }) => `<span class="k k${color}${dashed === true ? ' d' : ''}">${escapeHtml(name)}</span>`,
    )
    .join(' ');
  return `<figure><figcaption>${escapeHtml(title)} <small>${escapeHtml(yLabel)}</small> ${legend}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(title)}">${grid.join('')}${below.join('')}${lines.join('')}${labels}</svg></figure>`;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

function gridLine(at: number, tick: number): string {
  const label = `<text class="t" text-anchor="end" x="${LEFT - 6}" y="${(at + 4).toFixed(1)}">${toLabel(tick)}</text>`;
  return `<line class="g" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at.toFixed(1)}" y2="${at.toFixed(1)}"/>${label}`;
}

interface Scale {
  readonly ticks: readonly number[];
  place(value: number): number;
}

function linearScale(values: readonly number[]): Scale {
  const top = niceStep(Math.max(...values, 0) / Y_TICKS || 0.2) * Y_TICKS;
  return {
    ticks: Array.from({ length: Y_TICKS + 1 }, (_, index) => (top / Y_TICKS) * index),
    place: (value) => value / top,
  };
}

function logScale(values: readonly number[]): Scale {
  const positive = values.filter((value) => value > 0);
  const low = Math.floor(Math.log10(Math.min(...positive, 1)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...positive, 1))));
  return {
    ticks: Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)),
    place: (value) => (Math.log10(Math.max(value, 10 ** low)) - low) / (high - low),
  };
}

function niceStep(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= value) ?? 10) * power;
}

function toLabel(value: number): string {
  if (value >= 1_000_000) return `${Number((value / 1_000_000).toPrecision(3))}M`;
  return value >= 1_000 ? `${Number((value / 1_000).toPrecision(3))}k` : String(Number(value.toPrecision(3)));
}
