/** A number as people read it, and its unit apart, which may be empty. */
export interface Quantity {
  readonly value: string;
  readonly unit: string;
}

export type Format = (value: number) => Quantity;

export const NONE = '–';
const NO_QUANTITY: Quantity = Object.freeze({ value: NONE, unit: '' });
const GROUPED = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const TIME = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const DATE_TIME = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** About three digits: `0`, `0.42`, `4.0`, `42.1`, `421`, `4,213`, `42,130`, `421k`, `4.2M`; what is whole has no fraction. */
function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${(value / 1e9).toFixed(1)}G`;
  if (size >= 1e6) return `${(value / 1e6).toFixed(1)}M`;
  if (size >= 1e5) return `${(value / 1e3).toFixed(0)}k`;
  if (size >= 99.95 || Number.isInteger(value)) return GROUPED.format(value);
  // Ties go up, also those that history keeps in 32 bits.
  return (value * (1 + 1e-7)).toFixed(size < 0.995 ? 2 : 1);
}

export const count: Format = (value) => ({ value: digits(value), unit: '' });

export const perSecond: Format = (value) => ({ value: digits(value), unit: '/s' });

/** Of a number of percent. */
export const percent: Format = (value) => ({ value: digits(value), unit: '%' });

export const milliseconds: Format = (value) =>
  value >= 1_000 ? { value: (value / 1_000).toFixed(2), unit: 's' } : { value: digits(value), unit: 'ms' };

export const bytes: Format = (value) => {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const step = value < 1_000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
  return { value: digits(value / 1_000 ** step), unit: units[step] ?? '' };
};

export const bytesPerSecond: Format = (value) => {
  const quantity = bytes(value);
  return { ...quantity, unit: `${quantity.unit}/s` };
};

/** As a quantity, or a dash where there is no number. */
export function quantity(format: Format, value: number | null | undefined): Quantity {
  return value === null || value === undefined || Number.isNaN(value) ? NO_QUANTITY : format(value);
}

/** As text with its unit, or a dash where there is no number. */
export function text(format: Format, value: number | null | undefined): string {
  const { value: number, unit } = quantity(format, value);
  if (unit === '' || number === NONE) return number;
  return unit.startsWith('/') ? number + unit : `${number} ${unit}`;
}

/** `3 d 4 h`, `2 h 5 min`, `4 min 10 s`, `9 s`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const [d, h, min, s] = [seconds / 86_400, (seconds / 3_600) % 24, (seconds / 60) % 60, seconds % 60].map(Math.floor);
  if (d) return `${d} d ${h} h`;
  if (h) return `${h} h ${min} min`;
  return min ? `${min} min ${s} s` : `${s} s`;
}

export function timeOfDay(at: number): string {
  return TIME.format(at);
}

export function dateAndTime(at: number): string {
  return DATE_TIME.format(at);
}
