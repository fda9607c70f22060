/** Writes deploy/: what Prometheus, Grafana and Kubernetes need, made of the server's own definitions. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GENERATED } from './deploy/generated.ts';

for (const [path, text] of GENERATED) {
  const file = join(import.meta.dirname, '..', path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text());
  console.log(`${path} written`);
}
