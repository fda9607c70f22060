import type { Latency, LoadSummary } from '../../load/load.ts';
import { toTable } from '../output.ts';

/** One run, for a terminal. */
export function toReport(run: LoadSummary): string {
  const { latency, operations } = run;
  const lines = [
    `\n${heading(run)}\n\n`,
    toTable(
      [
        ['answers', whole(run.answers), `${rate(run.answersPerSecond)}/s`],
        ['errors', whole(run.errors), percent(run.errorShare)],
        ['received', `${(run.bodyBytes / 1_048_576).toFixed(1)} MiB`, ''],
      ],
      undefined,
    ),
    '\n',
    toTable(
      [
        ['latency, ms', ...NAMES],
        ['', ...figures(latency)],
      ],
      undefined,
    ),
  ];
  if (operations.length > 1) {
    const rows = operations.map((one) => [one.name, whole(one.answers), whole(one.errors), ...figures(one.latency)]);
    lines.push('\n', toTable([['', 'answers', 'errors', ...NAMES], ...rows], undefined));
  }
  const kinds = Object.entries(run.errorKinds);
  if (kinds.length > 0)
    lines.push('\n', toTable([['errors', ''], ...kinds.map(([kind, count]) => [kind, whole(count)])], undefined));
  return `${lines.join('')}${remarks(run)}\n`;
}

/** Several runs side by side, each figure of the later ones as a ratio to the first. */
export function toComparison(runs: readonly LoadSummary[]): string {
  const [first] = runs as [LoadSummary];
  const row = (name: string, of: (run: LoadSummary) => number, shown: (value: number) => string): string[] => [
    name,
    ...runs.flatMap((run, index) => {
      const value = of(run);
      return index === 0 ? [shown(value)] : [shown(value), ratio(value, of(first))];
    }),
  ];
  const rows = [
    [
      '',
      ...runs.flatMap((_, index) => (index === 0 ? ['first'] : [index === 1 ? 'second' : `run ${index + 1}`, 'ratio'])),
    ],
    row('answers/s', (run) => run.answersPerSecond, rate),
    row(
      'errors, %',
      (run) => run.errorShare * 100,
      (value) => value.toFixed(2),
    ),
    ...LATENCIES.map(([name, of]) => row(`${name}, ms`, (run) => of(run.latency) / 1_000, milliseconds)),
  ];
  const names = runs.map((run, index) => `${index + 1}: ${heading(run)}\n`).join('');
  return `\n${names}\n${toTable(rows, undefined)}${runs.map(remarks).join('')}\n`;
}

const LATENCIES: readonly (readonly [name: string, of: (latency: Latency) => number])[] = [
  ['mean', ({ meanUs }) => meanUs],
  ['p50', ({ p50Us }) => p50Us],
  ['p90', ({ p90Us }) => p90Us],
  ['p95', ({ p95Us }) => p95Us],
  ['p99', ({ p99Us }) => p99Us],
  ['p99.9', ({ p999Us }) => p999Us],
  ['max', ({ maxUs }) => maxUs],
];
const NAMES = LATENCIES.map(([name]) => name);

function figures(latency: Latency): string[] {
  return LATENCIES.map(([, of]) => milliseconds(of(latency) / 1_000));
}

function heading({ url, server, protocol, load, seconds }: LoadSummary): string {
  const shape =
    load.loop === 'open'
      ? `${rate(load.rate ?? 0)} requests/s over ${load.connections} connections`
      : `${load.connections} connections`;
  const profile = load.profile === 'constant' ? '' : `, ${load.profile}`;
  return [url, server ?? 'a server without a name', protocol, `${shape}${profile}, ${seconds.toFixed(1)} s`].join(
    ' · ',
  );
}

function remarks({ generator, aborted }: LoadSummary): string {
  const { cpuUsPerAnswer, remark, wasLimit } = generator;
  const own = `\n  The generator used ${cpuUsPerAnswer.toFixed(1)} µs of CPU an answer.`;
  const limit = wasLimit ? ' It was the limit: the server may do more, and latencies are too high.' : '';
  const more = remark === undefined ? '' : ` Note: ${remark}.`;
  return `${own}${limit}${more}${aborted === undefined ? '' : `\n  The run ended early: ${aborted}.`}\n`;
}

function whole(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

function rate(value: number): string {
  return value < 100 ? value.toFixed(1) : whole(Math.round(value));
}

function milliseconds(value: number): string {
  return value.toFixed(value < 10 ? 2 : 1);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.01 ? 3 : 1)} %`;
}

function ratio(value: number, base: number): string {
  return base === 0 ? '-' : (value / base).toFixed(2);
}
