import { grafanaDashboard } from './grafana-dashboard.ts';
import { adapterRules, hpaManifest, kedaManifest, serverManifest } from './kubernetes.ts';
import { prometheusRules } from './prometheus-rules.ts';

/** The files of deploy/ that are generated, and what they hold. */
export const GENERATED: ReadonlyMap<string, () => string> = new Map([
  ['deploy/prometheus/rules.yml', prometheusRules],
  ['deploy/prometheus/adapter.yml', adapterRules],
  ['deploy/grafana/peregrine.json', grafanaDashboard],
  ['deploy/kubernetes/server.yml', serverManifest],
  ['deploy/kubernetes/hpa.yml', hpaManifest],
  ['deploy/kubernetes/keda.yml', kedaManifest],
]);
