import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveGateway } from '../../src/balance/gateway/gateway-options.ts';
import { EndpointSliceSource } from '../../src/balance/kubernetes/endpoint-slice-source.ts';
import { type ScaleResult, ScaleTarget } from '../../src/balance/kubernetes/scale-target.ts';
import { DRAIN } from '../../src/server-config.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { problemsOf } from './manifest-model.ts';
import { Told } from './told.ts';

// biome-ignore lint/suspicious/noExplicitAny: manifests are of any kind
type Manifest = any;

const FOLDER = join(import.meta.dirname, '../../deploy/kubernetes');
const FILES = globSync('*.yml', { cwd: FOLDER }).sort();
const read = (file: string): string => readFileSync(join(FOLDER, file), 'utf8');
/** What each file holds, as kubectl understood it. */
const applied = new Map<string, Manifest[]>();
const manifests = (file: string): Manifest[] => applied.get(file) ?? [];
const one = (file: string, kind: string): Manifest => manifests(file).find((each) => each.kind === kind);

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ hasKeda: true });
  for (const file of FILES) {
    const { version } = cluster.api.store;
    await cluster.apply(read(file));
    applied.set(file, cluster.api.since(version));
  }
});
afterAll(() => cluster.stop());

describe('the manifests', () => {
  it.each(FILES)('of %s are applied by kubectl, each of them, and a second time', async (file) => {
    expect(manifests(file)).toHaveLength(read(file).split('\n---\n').length);
    const names = manifests(file).map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}`);
    const answer = await cluster.apply(read(file), '-o', 'name');
    const bare = answer.split('\n').map((line) => line.replace(/\.[a-z0-9.]+\//, '/'));
    expect(bare.sort()).toEqual(names.sort());
  });

  it.each(FILES)('of %s have only fields that Kubernetes knows, of the right types', (file) => {
    const ofKubernetes = manifests(file).filter(({ apiVersion }) => !apiVersion.startsWith('keda.sh/'));
    expect(ofKubernetes.flatMap(problemsOf)).toEqual([]);
    expect(ofKubernetes.length > 0 || file === 'keda.yml').toBe(true);
  });

  it('would be told of others', () => {
    const spec = { replicas: '2', selector: { matchLabel: {} }, template: { spec: { containers: {} } } };
    expect(problemsOf({ apiVersion: 'apps/v1', kind: 'Deployment', spec })).toEqual([
      'Deployment.spec.replicas is a string, not a number',
      'Deployment.spec.selector.matchLabel is not known',
      'Deployment.spec.template.spec.containers is no list',
    ]);
    expect(problemsOf({ apiVersion: 'apps/v9', kind: 'Deployment' })).toEqual(['no model V9Deployment']);
  });
});

describe('what the manifests say', () => {
  let template: Manifest;
  let pod: Manifest;
  let container: Manifest;
  beforeAll(() => {
    ({ template } = one('server.yml', 'Deployment').spec);
    pod = template.spec;
    [container] = pod.containers;
  });

  it('gives a pod the time to drain', () => {
    const graceMs = pod.terminationGracePeriodSeconds * 1_000;
    expect(graceMs).toBeGreaterThan(DRAIN.delayInKubernetesMs + DRAIN.timeoutMs);
    // A pod that ends is seen not to be ready before it stops to listen.
    const { periodSeconds, failureThreshold } = container.readinessProbe;
    expect(periodSeconds * failureThreshold * 1_000).toBeLessThan(DRAIN.delayInKubernetesMs);
  });

  it('asks the monitor how a pod is', () => {
    const port = container.ports.find(({ name }: Manifest) => name === 'monitor').containerPort;
    expect(port).toBe(9_090);
    expect(container.livenessProbe.httpGet).toEqual({ path: '/livez', port: 'monitor' });
    expect(container.readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'monitor' });
  });

  it('leaves a pod no rights that it does not need', () => {
    expect(pod).toMatchObject({ automountServiceAccountToken: false, securityContext: { runAsNonRoot: true } });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('chooses the same pods everywhere', () => {
    const { labels } = template.metadata;
    expect(one('server.yml', 'Deployment').spec.selector.matchLabels).toEqual(labels);
    expect(one('server.yml', 'Service').spec.selector).toEqual(labels);
    expect(one('server.yml', 'PodDisruptionBudget').spec.selector.matchLabels).toEqual(labels);
    expect(one('network-policy.yml', 'NetworkPolicy').spec.podSelector.matchLabels).toEqual(labels);
    const ports = container.ports.map(({ name }: Manifest) => name);
    const allowed = one('network-policy.yml', 'NetworkPolicy').spec.ingress.flatMap(
      ({ ports: each }: Manifest) => each,
    );
    expect(allowed.map(({ port }: Manifest) => port)).toEqual(ports);
  });

  it('scales with HPA at the thresholds of the law: above 0.8, below 0.3', () => {
    const hpa = one('hpa.yml', 'HorizontalPodAutoscaler').spec;
    const target = Number.parseInt(hpa.metrics[0].pods.target.averageValue, 10) / 1_000;
    const { scaleUp, scaleDown } = hpa.behavior;
    expect(target * (1 + Number(scaleUp.tolerance))).toBeCloseTo(0.8, 3);
    expect(target * (1 - Number(scaleDown.tolerance))).toBeCloseTo(0.3, 3);
    expect([hpa.minReplicas, hpa.maxReplicas, scaleDown.stabilizationWindowSeconds]).toEqual([2, 16, 120]);
  });

  it('scales with KEDA as with HPA', () => {
    const hpa = one('hpa.yml', 'HorizontalPodAutoscaler').spec;
    const keda = one('keda.yml', 'ScaledObject').spec;
    expect(keda.scaleTargetRef).toEqual(hpa.scaleTargetRef);
    expect([keda.minReplicaCount, keda.maxReplicaCount]).toEqual([hpa.minReplicas, hpa.maxReplicas]);
    const { tolerance: _up, ...scaleUp } = hpa.behavior.scaleUp;
    const { tolerance: _down, ...scaleDown } = hpa.behavior.scaleDown;
    expect(keda.advanced.horizontalPodAutoscalerConfig.behavior).toEqual({ scaleUp, scaleDown });
    const [{ metadata, authenticationRef }] = keda.triggers;
    expect(metadata.valueLocation).toBe(hpa.metrics[0].pods.metric.name);
    expect(Number(metadata.targetValue)).toBe(0.6);
    expect(one('keda.yml', 'TriggerAuthentication').metadata.name).toBe(authenticationRef.name);
    const service = one('server.yml', 'Service').metadata;
    expect(new URL(metadata.url).hostname).toBe(`${service.name}.${service.namespace}.svc`);
  });

  it('configures gateways as they can be, for the servers that there are', () => {
    const secret = one('gateway.yml', 'Secret');
    const config = JSON.parse(secret.stringData['gateway.json']);
    const { kubernetes } = config.servers.tools;
    // Outside of a cluster it has to be said where the API is.
    Object.assign(kubernetes, { apiServer: 'https://api', namespace: 'default' });
    const { listen, admin, drain } = resolveGateway(config);
    const { ports, command } = one('gateway.yml', 'Deployment').spec.template.spec.containers[0];
    expect(ports.map(({ containerPort }: Manifest) => containerPort)).toEqual([listen.port, admin?.port]);
    expect(command.at(-1)).toBe('/etc/peregrine/gateway.json');
    const service = one('server.yml', 'Service');
    expect(kubernetes.service).toBe(service.metadata.name);
    expect(service.spec.ports.map(({ name }: Manifest) => name)).toContain(kubernetes.port);
    const graceMs = one('gateway.yml', 'Deployment').spec.template.spec.terminationGracePeriodSeconds * 1_000;
    expect(graceMs).toBeGreaterThan(drain.delayMs + drain.deadlineMs);
    const account = one('gateway.yml', 'Deployment').spec.template.spec.serviceAccountName;
    expect(one('gateway-rbac.yml', 'ServiceAccount').metadata.name).toBe(account);
  });

  it('allows a gateway all that it asks for, and nothing else', async () => {
    const { api } = cluster;
    api.store.patch(api.kind('Deployment'), 'default', 'peregrine', { spec: { replicas: 2 } });
    for (const kind of ['HorizontalPodAutoscaler', 'ScaledObject'])
      api.store.delete(api.kind(kind), 'default', 'peregrine');
    const client = cluster.client('gateway');
    const source = new EndpointSliceSource({ service: 'peregrine' }, { api: client });
    await source.start(
      () => {},
      () => {},
    );
    const told = new Told<ScaleResult>();
    const target = new ScaleTarget({ name: 'peregrine', lease: { renewMs: 500 } }, { api: client });
    target.start(told.tell, () => {});
    told.tell(
      await target.apply({ direction: 'up', from: 2, to: 4, recommendedInstances: 4, reason: 'test', window: 6 }),
    );
    await told.until(({ outcome }) => outcome === 'scaled');
    await target.close();
    source.stop();
    const asked = api.seen.filter(({ user }) => user === 'gateway').map(({ method, path }) => needOf(method, path));
    const rules = manifests('gateway-rbac.yml').flatMap(({ rules: each }) => each ?? []);
    expect(asked.filter((need) => !rules.some((rule: Manifest) => allows(rule, need)))).toEqual([]);
    const idle = rules.filter((rule: Manifest) => !asked.some((need) => allows(rule, need)));
    expect(idle).toEqual([]);
  });
});

interface Need {
  readonly group: string;
  readonly resource: string;
  readonly name: string | undefined;
  readonly verb: string;
}

function needOf(method: string, path: string): Need {
  const [, group = '', plural = '', name, scale = ''] =
    /^\/apis\/([^/]+)\/[^/]+\/namespaces\/[^/]+\/([a-z]+)(?:\/([^/]+))?(\/scale)?$/.exec(path) ?? [];
  const reading = name === undefined ? 'list' : 'get';
  const verb = { GET: reading, POST: 'create', PUT: 'update', PATCH: 'patch' }[method] ?? method;
  return { group, resource: `${plural}${scale}`, name, verb };
}

function allows(
  { apiGroups, resources, resourceNames, verbs }: Manifest,
  { group, resource, name, verb }: Need,
): boolean {
  const isNamed = resourceNames === undefined || resourceNames.includes(name);
  return apiGroups.includes(group) && resources.includes(resource) && verbs.includes(verb) && isNamed;
}
