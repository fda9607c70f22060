import { escapeHtml, lineChart, type Series } from './charts.ts';
import type { LoadSummary } from './summary.ts';

const STYLE = `
:root{color-scheme:light dark;--fg:#1a1a1a;--bg:#fff;--dim:#666;--line:#ddd;--c0:#0b62c4;--c1:#b84a00;--c2:#1a7f37;--c3:#8a3ffc}
@media(prefers-color-scheme:dark){:root{--fg:#e8e8e8;--bg:#141414;--dim:#9a9a9a;--line:#333;--c0:#6cb2ff;--c1:#ff9a57;--c2:#5fd07f;--c3:#c3a0ff}}
body{font:15px/1.45 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:760px;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{text-align:right;padding:.25rem .5rem;border-bottom:1px solid var(--line)}
th:first-child,td:first-child{text-align:left}figure{margin:1.5rem 0}svg{width:100%;height:auto}small,.t{color:var(--dim);fill:var(--dim)}
.t{font-size:11px}.g{stroke:var(--line)}.l{fill:none;stroke-width:1.8}.k{white-space:nowrap;margin-left:.8em}
.k::before{content:"";display:inline-block;width:1.2em;border-top:3px solid;vertical-align:middle;margin-right:.3em}.k.d::before{border-top-style:dashed}
.c0{stroke:var(--c0)}.c1{stroke:var(--c1)}.c2{stroke:var(--c2)}.c3{stroke:var(--c3)}
.k0::before{color:var(--c0)}.k1::before{color:var(--c1)}.k2::before{color:var(--c2)}.k3::before{color:var(--c3)}
.w{border-left:4px solid var(--c1);padding-left:.8rem}`;

/** Runs as one HTML page that needs nothing else: no script, no font, no network. */
export function toHtml(runs: readonly LoadSummary[]): string {
  const names = runs.map((run, index) => (runs.length === 1 ? '' : `${index + 1}: `) + run.url);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Load of ${escapeHtml(names.join(', '))}</title><style>${STYLE}</style></head><body>
<h1>Load test</h1>
${runs.map(describe).join('\n')}
${figures(runs)}
${distribution(runs, names)}
${runs.map((run, index) => timeLines(run, names[index] as string)).join('\n')}
${runs.map(details).join('\n')}
</body></html>
`;
}

function describe(run: LoadSummary): string {
  const { load, generator, aborted } = run;
  const shape =
    load.loop === 'open'
      ? `${Math.round(load.rate ?? 0)} requests/s over ${load.connections} connections, open loop`
      : `${load.connections} connections, closed loop`;
  const mix = load.mix.map(({ name, weight }) => `${name} (${weight})`).join(', ');
  const facts = [
    run.server ?? 'a server without a name',
    `protocol ${run.protocol}`,
    shape,
    load.profile,
    `${run.seconds.toFixed(1)} s`,
    `from ${run.startedAt}`,
  ];
  const warnings = [
    generator.wasLimit ? 'The generator was the limit: the server may do more, and latencies are too high.' : undefined,
    generator.remark,
    aborted === undefined ? undefined : `The run ended early: ${aborted}.`,
  ];
  const shown = warnings
    .filter((warning) => warning !== undefined)
    .map((warning) => `<p class="w">${escapeHtml(warning)}</p>`);
  return `<p><b>${escapeHtml(run.url)}</b><br>${escapeHtml(facts.join(' · '))}<br>Mix: ${escapeHtml(mix)}</p>${shown.join('')}`;
}

function figures(runs: readonly LoadSummary[]): string {
  const rows: readonly (readonly [string, (run: LoadSummary) => string])[] = [
    ['answers', (run) => run.answers.toLocaleString('en')],
    ['answers/s', (run) => Math.round(run.answersPerSecond).toLocaleString('en')],
    ['errors', (run) => `${run.errors.toLocaleString('en')} (${(run.errorShare * 100).toFixed(3)} %)`],
    ['mean', (run) => ms(run.latency.meanUs)],
    ['p50', (run) => ms(run.latency.p50Us)],
    ['p90', (run) => ms(run.latency.p90Us)],
    ['p99', (run) => ms(run.latency.p99Us)],
    ['p99.9', (run) => ms(run.latency.p999Us)],
    ['max', (run) => ms(run.latency.maxUs)],
    ['CPU of the generator an answer', (run) => `${run.generator.cpuUsPerAnswer.toFixed(1)} µs`],
  ];
  const head = runs.length === 1 ? '' : `<tr><th></th>${runs.map((_, index) => `<th>${index + 1}</th>`).join('')}</tr>`;
  const body = rows.map(
    ([name, of]) => `<tr><td>${name}</td>${runs.map((run) => `<td>${of(run)}</td>`).join('')}</tr>`,
  );
  return `<table>${head}${body.join('')}</table>`;
}

/** Shares are drawn by their nines: 90, 99 and 99.9 % stand equally far apart. */
function distribution(runs: readonly LoadSummary[], names: readonly string[]): string {
  const nines = (share: number): number => -Math.log10(Math.max(1 - share, 1e-5));
  const series: Series[] = runs.map((run, index) => ({
    name: names[index] as string,
    color: index % 4,
    points: run.distribution.map(([us, share]) => [nines(share), us / 1_000] as const),
  }));
  const ticks = [0, 0.5, 0.9, 0.99, 0.999, 0.9999].map(
    (share) => [nines(share), `${Number((share * 100).toFixed(2))} %`] as const,
  );
  return lineChart({
    title: 'Latency distribution',
    series,
    xTicks: ticks,
    xLabel: 'share of answers that took no longer',
    yLabel: 'ms, logarithmic',
    yScale: 'log',
  });
}

function timeLines({ timeLine, load }: LoadSummary, name: string): string {
  const last = timeLine.at(-1)?.at ?? 1;
  const step = Math.max(1, Math.ceil(last / 8));
  const xTicks = Array.from(
    { length: Math.floor(last / step) + 1 },
    (_, index) => [index * step, String(index * step)] as const,
  );
  const of = (
    title: string,
    color: number,
    value: (second: LoadSummary['timeLine'][number]) => number,
    dashed = false,
  ): Series => ({
    name: title,
    color,
    dashed,
    points: timeLine.map((second) => [second.at, value(second)] as const),
  });
  const common = { xTicks, xLabel: 'seconds' };
  const wanted = of(load.loop === 'open' ? 'wanted' : 'connections', 3, (second) => second.wanted, true);
  const throughput = [of('answers', 0, (second) => second.answers), of('errors', 1, (second) => second.errors), wanted];
  const latency = [
    of('p50', 2, (second) => second.p50Us / 1_000),
    of('p99', 0, (second) => second.p99Us / 1_000),
    of('max', 1, (second) => second.maxUs / 1_000, true),
  ];
  return [
    lineChart({ ...common, title: `Throughput of ${name}`, series: throughput, yLabel: 'a second' }),
    lineChart({ ...common, title: `Latency of ${name}`, series: latency, yLabel: 'ms, logarithmic', yScale: 'log' }),
  ].join('\n');
}

function details(run: LoadSummary): string {
  const rows = run.operations.map(
    ({ name, answers, errors, latency }) =>
      `<tr><td>${escapeHtml(name)}</td><td>${answers.toLocaleString('en')}</td><td>${errors.toLocaleString('en')}</td><td>${ms(latency.p50Us)}</td><td>${ms(latency.p99Us)}</td></tr>`,
  );
  const kinds = Object.entries(run.errorKinds).map(
    ([kind, count]) => `<tr><td>${escapeHtml(kind)}</td><td>${count.toLocaleString('en')}</td></tr>`,
  );
  const errors = kinds.length === 0 ? '' : `<table><tr><th>error</th><th>times</th></tr>${kinds.join('')}</table>`;
  return `<h2>${escapeHtml(run.url)}</h2><table><tr><th>operation</th><th>answers</th><th>errors</th><th>p50</th><th>p99</th></tr>${rows.join('')}</table>${errors}`;
}

function ms(us: number): string {
  return `${(us / 1_000).toFixed(us < 10_000 ? 2 : 1)} ms`;
}
