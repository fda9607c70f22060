import { METRICS, type MetricDefinition } from './definitions.ts';
import { byLabel, toFamily } from './families.ts';
import type { MetricFamily, MetricSnapshot } from './metric-family.ts';

/** What a gateway counts, as the monitor needs it. */
export interface GatewayReadings {
  readonly servers: { readonly [name: string]: GatewayServerReadings };
}

export interface GatewayServerReadings {
  readonly inFlight: number;
  readonly refused: number;
  readonly cache: { readonly hits: number; readonly misses: number } | undefined;
  /** Nothing where processes of the gateway's own serve. */
  readonly replicas?: {
    readonly calls: number;
    readonly retries: number;
    readonly hedges: number;
    readonly balancer: { readonly instances: readonly ReplicaReadings[] };
  };
}

interface ReplicaReadings {
  readonly id: string;
  readonly state: string;
  readonly load: number;
  readonly connections: number;
  readonly requests: number;
  readonly errors: number;
}

/** All metrics of a gateway, for programs. @param times Wall clock, in milliseconds since 1970. */
export function gatewaySnapshot(
  { servers }: GatewayReadings,
  times: { readonly at: number; readonly startedAt: number },
): MetricSnapshot {
  const all = Object.entries(servers);
  const families = [...serverFamilies(all), ...replicaFamilies(all)];
  return { instance: '', ...times, families: families.filter(({ samples }) => samples.length > 0) };
}

type Named = readonly (readonly [name: string, server: GatewayServerReadings])[];

function serverFamilies(servers: Named): MetricFamily[] {
  const of = (definition: MetricDefinition, read: (server: GatewayServerReadings) => number | undefined) => {
    const values = servers.map(([name, server]) => [name, read(server)] as const);
    return byLabel(
      definition,
      values.filter((entry): entry is readonly [string, number] => entry[1] !== undefined),
    );
  };
  return [
    of(METRICS.gatewayCalls, ({ replicas }) => replicas?.calls),
    of(METRICS.gatewayInFlight, ({ inFlight }) => inFlight),
    of(METRICS.gatewayRefused, ({ refused }) => refused),
    of(METRICS.gatewayRetries, ({ replicas }) => replicas?.retries),
    of(METRICS.gatewayHedges, ({ replicas }) => replicas?.hedges),
    of(METRICS.gatewayCacheHits, ({ cache }) => cache?.hits),
    of(METRICS.gatewayCacheMisses, ({ cache }) => cache?.misses),
  ];
}

function replicaFamilies(servers: Named): MetricFamily[] {
  const replicas = servers.flatMap(([server, { replicas: all }]) =>
    (all?.balancer.instances ?? []).map((replica) => ({ server, ...replica })),
  );
  const of = (definition: MetricDefinition, read: (replica: ReplicaReadings) => number) =>
    toFamily(
      definition,
      replicas.map((replica) => ({ labels: { server: replica.server, replica: replica.id }, value: read(replica) })),
    );
  return [
    of(METRICS.replicaRequests, ({ requests }) => requests),
    of(METRICS.replicaErrors, ({ errors }) => errors),
    of(METRICS.replicaInFlight, ({ connections }) => connections),
    of(METRICS.replicaLoad, ({ load }) => load),
    of(METRICS.replicaUp, ({ state }) => Number(state === 'healthy')),
  ];
}
