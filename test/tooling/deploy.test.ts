import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GENERATED } from '../../scripts/deploy/generated.ts';
import { grafanaDashboard } from '../../scripts/deploy/grafana-dashboard.ts';
import { prometheusRules } from '../../scripts/deploy/prometheus-rules.ts';
import { ALERT_RULES } from '../../src/monitor/alerts/alert-rules.ts';
import { METRICS, type MetricDefinition } from '../../src/monitor/definitions.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** The names under which Prometheus sees a metric. */
function exposed({ name, kind }: MetricDefinition): string[] {
  if (kind === 'counter') return [`${name}_total`];
  return kind === 'gauge' ? [name] : [`${name}_bucket`, `${name}_sum`, `${name}_count`];
}

const LABELS = new Map(
  Object.values(METRICS).flatMap((metric) =>
    exposed(metric).map((name) => [name, new Set([...metric.labels, 'job', 'instance', 'le'])] as const),
  ),
);
const WORDS = new Set(['and', 'or', 'unless', 'by', 'without', 'on', 'ignoring', 'bool']);

/** The metrics of an expression, and the labels that it asks for. */
function partsOf(expression: string): { metrics: string[]; labels: string[] } {
  const bare = expression.replace(/"[^"]*"/g, '""');
  const labels = [
    ...bare.matchAll(/\b(?:by|without|on|ignoring) \(([^)]*)\)/g),
    ...[...bare.matchAll(/\{([^}]*)\}/g)].map(([, inside = '']) => ['', inside.replace(/[=!~]+""/g, '')]),
  ].flatMap(([, list = '']) => list.split(',').map((label) => label.trim()));
  const rest = bare.replace(/\{[^}]*\}|\[[^\]]*\]/g, '').replace(/\b(?:by|without|on|ignoring) \([^)]*\)/g, '');
  const names = [...rest.matchAll(/[a-zA-Z_]\w*(?!\w)(?!\s*\()/g)].map(([name]) => name);
  return { metrics: names.filter((name) => !WORDS.has(name)), labels };
}

/** What is wrong with an expression's names. */
function problemsOf(expression: string): string[] {
  const { metrics, labels } = partsOf(expression);
  const known = new Set(metrics.flatMap((name) => [...(LABELS.get(name) ?? [])]));
  return [
    ...(metrics.length === 0 ? [`no metric in ${expression}`] : []),
    ...metrics.filter((name) => !LABELS.has(name)).map((name) => `no metric ${name}`),
    ...labels.filter((label) => !known.has(label)).map((label) => `no label ${label}`),
  ];
}

function ruleExpressions(): string[] {
  return [...prometheusRules().matchAll(/expr: \|-\n((?: {10}.*\n)+)/g)].map(([, text = '']) => text.trim());
}

function dashboardExpressions(): string[] {
  const { panels, templating } = JSON.parse(grafanaDashboard());
  const queries = templating.list.flatMap(({ query }: { query: string | { query: string } }) =>
    typeof query === 'string' ? [] : [query.query.replace(/^label_values\((.*), \w+\)$/, '$1')],
  );
  return [
    ...panels.flatMap(({ targets }: { targets: { expr: string }[] }) => targets.map(({ expr }) => expr)),
    ...queries,
  ];
}

describe('deploy/', () => {
  it.each([...GENERATED])('has in %s what `npm run deploy:update` writes', (path, text) => {
    expect(read(path)).toBe(text());
  });

  it('has a rule for each alert, with its threshold', () => {
    const expressions = ruleExpressions();
    expect(expressions).toHaveLength(ALERT_RULES.length);
    for (const [index, { key, threshold, isBelow, minSamples }] of ALERT_RULES.entries()) {
      const lines = expressions[index]?.split('\n') ?? [];
      const ending = `${isBelow ? '<' : '>'} ${threshold}`;
      expect(
        lines.slice(0, 2).every((line) => line.endsWith(ending)),
        key,
      ).toBe(true);
      expect(lines).toHaveLength(minSamples > 0 ? 3 : 2);
    }
  });

  it('asks for metrics and labels that there are', () => {
    expect([...ruleExpressions(), ...dashboardExpressions()].flatMap(problemsOf)).toEqual([]);
    expect(dashboardExpressions().length).toBeGreaterThan(20);
  });

  it('would be told of others', () => {
    expect(problemsOf('rate(mcp_server_requests_total{outcom="x"}[1m])')).toEqual(['no label outcom']);
    expect(problemsOf('sum by (tool) (rate(mcp_server_request_total[1m])) > 5')).toEqual([
      'no metric mcp_server_request_total',
      'no label tool',
    ]);
    expect(problemsOf('vector(1)')).toEqual(['no metric in vector(1)']);
  });

  it('has panels that do not overlap', () => {
    const { panels } = JSON.parse(grafanaDashboard());
    const places = panels.map(({ gridPos: { x, y } }: { gridPos: { x: number; y: number } }) => `${x} ${y}`);
    expect(new Set(places).size).toBe(panels.length);
    expect(new Set(panels.map(({ title }: { title: string }) => title)).size).toBe(panels.length);
  });
});
