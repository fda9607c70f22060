import type { Clock } from '../../kernel/clock.ts';
import { toMessage } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import { LoadBalancer } from '../picking/load-balancer.ts';
import type { Endpoint, EndpointSource } from '../sources/endpoint-source.ts';
import { HttpUpstream } from '../upstream/http-upstream.ts';
import type { ResolvedServer } from './gateway-options.ts';
import type { ReplicaScaling } from './replica-scaling.ts';
import { type ReplicaStatistics, ReplicaTarget } from './replica-target.ts';
import type { ResponseCacheStatistics } from './response-cache.ts';
import { Route } from './route.ts';

export interface GatewayServerParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface GatewayServerStatistics extends ReplicaStatistics {
  readonly path: string;
  /** Calls of clients that go on. */
  readonly inFlight: number;
  /** Calls that were refused since there were too many. */
  readonly refused: number;
  readonly cache: ResponseCacheStatistics | undefined;
}

/** A server that could be served as configured: nothing has changed yet. */
export interface PreparedServer {
  commit(): GatewayServer;
  abandon(): void;
}

type GatewayServerMembers = Pick<GatewayServer, 'config' | 'route' | 'target' | 'source' | 'scaling'>;

/** One server of a gateway: its route, its replicas, and the source that knows them. */
export class GatewayServer {
  readonly config: ResolvedServer;
  readonly route: Route;
  readonly target: ReplicaTarget;
  readonly source: EndpointSource;
  readonly scaling: ReplicaScaling | undefined;

  private constructor({ config, route, target, source, scaling }: GatewayServerMembers) {
    this.config = config;
    this.route = route;
    this.target = target;
    this.source = source;
    this.scaling = scaling;
  }

  /**
   * Gets a server ready to take the place of the one before: what means the same is kept, connections above all.
   *
   * @throws {PeregrineError} when its replicas cannot be learned.
   */
  static async prepare(
    config: ResolvedServer,
    before: GatewayServer | undefined,
    parts: GatewayServerParts,
  ): Promise<PreparedServer> {
    const keptTarget = before !== undefined && isSame(before.config.replicas, config.replicas) ? before : undefined;
    const isSourceKept = keptTarget?.config.source.fingerprint === config.source.fingerprint;
    const source = isSourceKept ? keptTarget.source : config.source.create();
    let target: ReplicaTarget | undefined;
    let endpoints: readonly Endpoint[] = [];
    if (!isSourceKept) {
      const changed = (list: readonly Endpoint[]): void => {
        endpoints = list;
        target?.setEndpoints(list);
      };
      const failed = (error: unknown): void =>
        parts.logger.warn({ server: config.name, error: toMessage(error) }, 'gateway: replicas could not be learned');
      await source.start(changed, failed);
    }
    return {
      abandon: () => {
        if (!isSourceKept) source.stop();
      },
      commit: () => {
        target = keptTarget === undefined ? createTarget(config, parts) : keptTarget.target;
        if (!isSourceKept) {
          keptTarget?.source.stop();
          target.setEndpoints(endpoints);
        }
        const isRouteKept = keptTarget !== undefined && isSame(keptTarget.config.route, config.route);
        const route = isRouteKept ? keptTarget.route : new Route(target, config.route, parts.clock);
        const isScalingKept = keptTarget?.config.scale?.fingerprint === config.scale?.fingerprint;
        const scaling = isScalingKept ? keptTarget?.scaling : startScaling(config, target, parts);
        return new GatewayServer({ config, route, target, source, scaling });
      },
    };
  }

  /** Ends what another server, that took the place of this one, does not use. */
  async retire(successor: GatewayServer | undefined, deadlineMs: number): Promise<void> {
    if (successor?.source !== this.source) this.source.stop();
    if (successor?.scaling !== this.scaling) await this.scaling?.close();
    if (successor?.target !== this.target) await this.target.close(deadlineMs);
  }

  statistics(): GatewayServerStatistics {
    const { cache, inFlight, refused, options } = this.route;
    return { path: options.path, inFlight, refused, ...this.target.statistics(), cache: cache?.statistics() };
  }
}

function startScaling(
  { scale }: ResolvedServer,
  target: ReplicaTarget,
  parts: GatewayServerParts,
): ReplicaScaling | undefined {
  const scaling = scale?.create({ ...parts, replicas: () => target.statistics().balancer.instances });
  scaling?.start();
  return scaling;
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function createTarget({ name, replicas }: ResolvedServer, { clock, random }: GatewayServerParts): ReplicaTarget {
  const { algorithm, health, maxConnections } = replicas;
  return new ReplicaTarget(name, {
    clock,
    options: replicas,
    createBalancer(check) {
      const probe = health && { check, intervalMs: health.intervalMs, timeoutMs: health.timeoutMs };
      return new LoadBalancer({ algorithm, clock, random, ...(probe && { probe }) });
    },
    connect: ({ url, host }) =>
      new HttpUpstream({ url: new URL(url).origin, maxConnections, clock, ...(host !== undefined && { host }) }),
  });
}
