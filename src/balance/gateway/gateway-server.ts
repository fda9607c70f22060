import type { Backing, BackingParts, BackingStatistics } from './backing.ts';
import type { ResolvedServer } from './gateway-options.ts';
import type { ReplicaScaling } from './replica-scaling.ts';
import type { ResponseCacheStatistics } from './response-cache.ts';
import { Route, type RouteOptions } from './route.ts';
import type { ResolvedScale } from './scale-options.ts';

export interface GatewayServerStatistics extends BackingStatistics {
  /** Nothing where it is reached through the merged endpoint only. */
  readonly path: string | undefined;
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

/** One server of a gateway: what is behind its name, and the route that leads there. */
export class GatewayServer {
  readonly name: string;
  readonly backing: Backing;
  readonly route: Route | undefined;
  readonly scaling: ReplicaScaling | undefined;
  readonly #scale: ResolvedScale | undefined;

  private constructor(
    { name, scale }: ResolvedServer,
    backing: Backing,
    route: Route | undefined,
    scaling: ReplicaScaling | undefined,
  ) {
    this.name = name;
    this.backing = backing;
    this.route = route;
    this.scaling = scaling;
    this.#scale = scale;
  }

  /** Gets a server ready to take the place of the one before. @throws when what is behind it cannot be had. */
  static async prepare(
    config: ResolvedServer,
    before: GatewayServer | undefined,
    parts: BackingParts,
  ): Promise<PreparedServer> {
    const { backing, route, scale } = config;
    const prepared = await backing.prepare(before?.backing, parts);
    return {
      abandon: () => prepared.abandon(),
      commit: () => {
        const committed = prepared.commit();
        const old = before?.route;
        const isKept = old !== undefined && old.target === committed.target && isSame(old.options, route);
        const now = isKept ? old : route && new Route(committed.target, route, parts.clock, old);
        const isSameScaling = before?.backing === committed && before.#scale?.fingerprint === scale?.fingerprint;
        const scaling = isSameScaling ? before.scaling : startScaling(scale, committed, parts);
        return new GatewayServer(config, committed, now, scaling);
      },
    };
  }

  /** Ends what its successor does not use. Streams of a path that is no more have no other end. */
  async retire(successor: GatewayServer | undefined, deadlineMs: number): Promise<void> {
    if (successor?.route === undefined) this.endStreams();
    if (successor?.scaling !== this.scaling) await this.scaling?.close();
    await this.backing.retire(successor?.backing, deadlineMs);
  }

  endStreams(): void {
    for (const stream of [...(this.route?.streams ?? [])]) stream.finish();
  }

  statistics(): GatewayServerStatistics {
    const { cache, inFlight = 0, refused = 0, options } = this.route ?? {};
    return { path: options?.path, inFlight, refused, cache: cache?.statistics(), ...this.backing.statistics() };
  }
}

function startScaling(
  scale: ResolvedScale | undefined,
  backing: Backing,
  parts: BackingParts,
): ReplicaScaling | undefined {
  const replicas = () => backing.statistics().replicas?.balancer.instances ?? [];
  const scaling = scale?.create({ ...parts, replicas });
  scaling?.start();
  return scaling;
}

function isSame(one: RouteOptions, other: RouteOptions | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
