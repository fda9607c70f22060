import { SCENARIO_TITLES } from '../scenarios/scenarios.ts';
import type { ExtraResult } from '../suites/extra.ts';
import type { GoalResult, RowSummary } from './statistics.ts';

const HEADINGS = [
  'tools',
  'scenario',
  'contender',
  'CPU µs',
  '/ plain',
  '/ SDK v2',
  'req/s',
  'P50 µs',
  'P99 µs',
  'peak MB',
  'core %',
  'requests',
  'errors',
];
/** Columns of text; the others are numbers and stand to the right. */
const TEXT_COLUMNS = 3;

/** A ratio as a reader wants it: 0.56, or 1/17.2 when it is small. */
export function formatRatio(ratio: number | undefined): string {
  if (ratio === undefined) return '-';
  return ratio < 0.2 ? `1/${(1 / ratio).toFixed(1)}` : ratio.toFixed(2);
}

const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
const fine = (value: number): string => (value >= 1_000 ? whole(value) : value.toFixed(1));

function cellsOf({ row, median, toPlain, toSdk }: RowSummary): string[] {
  return [
    row.toolset,
    SCENARIO_TITLES[row.scenario],
    row.contender,
    fine(median.cpuUs),
    formatRatio(toPlain),
    formatRatio(toSdk),
    whole(median.requestsPerSecond),
    fine(median.p50Us),
    fine(median.p99Us),
    fine(median.peakMb),
    whole(median.coreShare * 100),
    whole(median.requests),
    whole(median.errors),
  ];
}

type Lines = readonly (readonly string[])[];

function terminalTable(lines: Lines, textColumns: number): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((cells) => (cells[column] ?? '').length)));
  const format = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        column < textColumns ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ');
  const [head, ...body] = lines.map(format);
  return [head, '-'.repeat((head as string).length), ...body].join('\n');
}

function markdownTable(lines: Lines, textColumns: number): string {
  const [head, ...body] = lines.map((cells) => `| ${cells.join(' | ')} |`);
  const rule = `|${(lines[0] ?? []).map((_, column) => (column < textColumns ? '---' : '---:')).join('|')}|`;
  return [head, rule, ...body].join('\n');
}

/** One table over all rows: medians over the rounds, ratios formed within each round. */
export function renderTable(rows: readonly RowSummary[], markdown: boolean): string {
  const lines = [HEADINGS, ...rows.map(cellsOf)];
  return markdown ? markdownTable(lines, TEXT_COLUMNS) : terminalTable(lines, TEXT_COLUMNS);
}

export function renderGoals(goals: readonly GoalResult[], markdown: boolean): string {
  const lines = goals.map(({ title, atMost, ratio, perRound, met }) => {
    const verdict = met === undefined ? 'not measured' : met ? 'met' : 'MISSED';
    const rounds = perRound.length > 1 ? ` (rounds: ${perRound.map(formatRatio).join(', ')})` : '';
    const found = ratio === undefined ? '' : `: ${formatRatio(ratio)}, at most ${formatRatio(atMost)}${rounds}`;
    return `${markdown ? '- ' : '  '}${verdict.padEnd(markdown ? 0 : 12)} ${title}${found}`;
  });
  return `Goals (CPU µs per request)\n${markdown ? '\n' : ''}${lines.join('\n')}`;
}

/** The tables and goals that a suite measured in its own way. */
export function renderExtra({ tables, goals }: ExtraResult, markdown: boolean): string {
  const shown = tables.map(({ title, headings, rows }) => {
    const cell = (value: string | number): string => (typeof value === 'number' ? whole(value) : value);
    const lines = [headings, ...rows.map((cells) => cells.map(cell))];
    return `${title}\n\n${markdown ? markdownTable(lines, 1) : terminalTable(lines, 1)}`;
  });
  const verdicts = goals.map(
    ({ title, value, atLeast = Number.NEGATIVE_INFINITY, atMost = Number.POSITIVE_INFINITY }) => {
      const bound = Number.isFinite(atLeast) ? `at least ${atLeast}` : `at most ${atMost}`;
      const verdict = value >= atLeast && value <= atMost ? 'met' : 'MISSED';
      return `${markdown ? '- ' : '  '}${verdict.padEnd(markdown ? 0 : 12)} ${title}: ${value.toFixed(3)}, ${bound}`;
    },
  );
  return [...shown, verdicts.join('\n')].join('\n\n');
}
