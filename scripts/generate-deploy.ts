/** Writes deploy/: what Prometheus and Grafana need, made of the monitor's own definitions. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { grafanaDashboard } from './deploy/grafana-dashboard.ts';
import { prometheusRules } from './deploy/prometheus-rules.ts';

for (const [path, text] of [
  ['deploy/prometheus/rules.yml', prometheusRules()],
  ['deploy/grafana/peregrine.json', grafanaDashboard()],
] as const) {
  const file = join(import.meta.dirname, '..', path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  console.log(`${path} written`);
}
