import uPlot from 'uplot';
import { text, timeOfDay } from '../format.ts';
import { onThemeChange, themeColor } from '../theme.ts';
import type { ChartSpec, SeriesSpec } from './chart-specs.ts';

/** Lines are told apart without colours too. */
export const DASHES: readonly (readonly number[])[] = [[], [7, 3], [3, 2], [9, 3, 3, 3], [1, 3]];
const HEIGHT = 168;
const FONT = '11px system-ui, sans-serif';
const SYNC_KEY = 'all';

export interface TimeSpan {
  readonly from: number;
  readonly to: number;
}

/** A chart on a canvas, as wide as its place. Out of sight it is not drawn. */
export class Plot {
  readonly #plot: uPlot;
  readonly #observers: readonly (ResizeObserver | IntersectionObserver)[];
  readonly #forgetTheme: () => void;
  #span: TimeSpan = { from: 0, to: 1 };
  #isSeen = false;
  #data: uPlot.AlignedData | undefined;

  constructor(
    place: HTMLElement,
    spec: ChartSpec,
    series: readonly SeriesSpec[],
    onPointed: (index: number | null) => void,
  ) {
    const hooks: uPlot.Hooks.Arrays = { setCursor: [({ cursor }) => onPointed(cursor.idx ?? null)] };
    const options = { ...toOptions(spec, series, () => this.#span), width: place.clientWidth, height: HEIGHT, hooks };
    this.#plot = new uPlot(options, [[], ...series.map(() => [])], place);
    const resized = new ResizeObserver(() => {
      if (place.clientWidth !== this.#plot.width) this.#plot.setSize({ width: place.clientWidth, height: HEIGHT });
    });
    const seen = new IntersectionObserver(([entry]) => this.#see(entry?.isIntersecting ?? false));
    this.#observers = [resized, seen];
    for (const observer of this.#observers) observer.observe(place);
    this.#forgetTheme = onThemeChange(() => this.#plot.redraw(false, true));
  }

  /** Times in milliseconds since 1970. */
  draw(times: readonly number[], values: readonly (readonly number[])[], span: TimeSpan): void {
    this.#span = span;
    const toGaps = (column: readonly number[]) => column.map((value) => (Number.isNaN(value) ? null : value));
    this.#data = [times.map((at) => at / 1_000), ...values.map(toGaps)];
    if (this.#isSeen) this.#plot.setData(this.#data);
  }

  destroy(): void {
    for (const observer of this.#observers) observer.disconnect();
    this.#forgetTheme();
    this.#plot.destroy();
  }

  #see(isSeen: boolean): void {
    this.#isSeen = isSeen;
    if (isSeen && this.#data) this.#plot.setData(this.#data);
  }
}

function toOptions(
  { least, leastRight = 1 }: ChartSpec,
  series: readonly SeriesSpec[],
  span: () => TimeSpan,
): Omit<uPlot.Options, 'width' | 'height'> {
  const left = series.find(({ isRight }) => !isRight);
  const right = series.find(({ isRight }) => isRight);
  return {
    legend: { show: false },
    cursor: { sync: { key: SYNC_KEY }, drag: { x: false, y: false }, points: { show: false } },
    scales: {
      x: { time: true, range: () => [span().from / 1_000, span().to / 1_000] },
      left: { range: (_, _min, max) => [0, topOf(max, least)] },
      right: { range: (_, _min, max) => [0, topOf(max, leastRight)] },
    },
    axes: [
      { ...axisColors(true), size: 28, values: times, space: 64 },
      { ...axisColors(true), scale: 'left', size: 58, space: 36, values: labels(left) },
      ...(right ? [{ ...axisColors(false), scale: 'right', side: 1, size: 52, space: 36, values: labels(right) }] : []),
    ],
    series: [
      {},
      ...series.map(({ isRight }, index) => ({
        scale: isRight ? 'right' : 'left',
        stroke: () => themeColor(`series-${index}`),
        width: 1.5,
        dash: [...(DASHES[index] ?? [])],
        points: { show: false },
      })),
    ],
  };
}

function topOf(max: number | null, least: number): number {
  return Math.max(least, (max ?? 0) * 1.08);
}

/** With seconds where minutes would repeat. */
const times: uPlot.Axis.DynamicValues = (_, ticks, _axis, _space, step) =>
  ticks.map((tick) => timeOfDay(1_000 * tick).slice(0, step < 60 ? 8 : 5));

function labels(series: SeriesSpec | undefined): uPlot.Axis.DynamicValues {
  return (_, ticks) => ticks.map((tick) => (series === undefined ? '' : text(series.format, tick)));
}

function axisColors(hasGrid: boolean) {
  const line = { stroke: () => themeColor('grid'), width: 1 };
  return {
    stroke: () => themeColor('muted'),
    font: FONT,
    grid: { ...line, show: hasGrid },
    ticks: { ...line, size: 4 },
  };
}
