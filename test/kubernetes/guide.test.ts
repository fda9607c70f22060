import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EndpointSliceSource } from '../../src/balance/kubernetes/endpoint-slice-source.ts';
import { ScaleTarget } from '../../src/balance/kubernetes/scale-target.ts';
import { DnsSource } from '../../src/balance/sources/dns-source.ts';
import { createOptimizedServer, OptimizedMCPServer, type OptimizedServerConfig } from '../../src/index.ts';
import { readDocument, runSample } from '../unit/support/samples.ts';
import { startCluster } from './cluster.ts';

const { text, samples } = readDocument('docs/guides/kubernetes.md');

function settingsOf(key: string): object[] {
  const found = [...text.matchAll(new RegExp(`\`"${key}": (\\{[^}]*\\})\``, 'g'))];
  return found.map(([, json = '']) => JSON.parse(json) as object);
}

describe('the guide to Kubernetes', () => {
  it('configures a server as it can be', async () => {
    const configs: OptimizedServerConfig[] = [];
    class MyServer extends OptimizedMCPServer {}
    const create = (Class: typeof MyServer, config: OptimizedServerConfig): OptimizedMCPServer => {
      configs.push(config);
      return createOptimizedServer(Class, config);
    };
    const identity = { name: 'tools', version: '1.0.0', description: 'Tools' };
    const process = { env: { MONITOR_TOKEN: 'a token of sixteen letters or more'.replaceAll(' ', '-') } };
    for (const sample of samples)
      await runSample(sample, { createOptimizedServer: create, MyServer, identity, process });
    expect(configs).toHaveLength(1);
    expect(configs[0]).toMatchObject({ monitor: { host: '0.0.0.0' }, scaling: true });
  });

  it('shows sources that there are', async () => {
    const cluster = await startCluster();
    const api = cluster.client();
    for (const settings of settingsOf('kubernetes')) new EndpointSliceSource(settings as never, { api });
    for (const settings of settingsOf('dns')) new DnsSource(settings as never);
    for (const settings of settingsOf('scale')) new ScaleTarget(settings as never, { api });
    expect(['kubernetes', 'dns', 'scale'].map((key) => settingsOf(key).length)).toEqual([1, 1, 1]);
    await cluster.stop();
  });

  it('names files that there are', () => {
    const files = [...text.matchAll(/`([\w./-]+\.yml)`/g)].map(([, file = '']) => file);
    expect(new Set(files).size).toBeGreaterThan(6);
    for (const file of files) readFileSync(join(import.meta.dirname, '../../deploy/kubernetes', file));
  });
});
