import { toMessage } from '../../kernel/errors.ts';
import { LoadBalancer } from '../picking/load-balancer.ts';
import type { Endpoint, EndpointSource } from '../sources/endpoint-source.ts';
import { HttpUpstream } from '../upstream/http-upstream.ts';
import type { Backing, BackingParts, BackingStatistics, PreparedBacking, ResolvedBacking } from './backing.ts';
import type { ResolvedSource } from './endpoint-sources.ts';
import type { ReplicaOptions } from './replica-options.ts';
import { ReplicaTarget } from './replica-target.ts';

/** Replicas over HTTP as they are configured. */
export class ResolvedReplicas implements ResolvedBacking {
  readonly name: string;
  readonly options: ReplicaOptions;
  readonly source: ResolvedSource;

  constructor(name: string, options: ReplicaOptions, source: ResolvedSource) {
    this.name = name;
    this.options = options;
    this.source = source;
  }

  async prepare(before: Backing | undefined, parts: BackingParts): Promise<PreparedBacking> {
    const isKept = before instanceof ReplicaBacking && hasSameOptions(before.config, this);
    const kept = isKept ? before : undefined;
    if (kept?.config.source.fingerprint === this.source.fingerprint) return { commit: () => kept, abandon: () => {} };
    const source = this.source.create();
    let target: ReplicaTarget | undefined;
    let endpoints: readonly Endpoint[] = [];
    const changed = (list: readonly Endpoint[]): void => {
      endpoints = list;
      target?.setEndpoints(list);
    };
    const failed = (error: unknown): void =>
      parts.logger.warn({ server: this.name, error: toMessage(error) }, 'gateway: replicas could not be learned');
    await source.start(changed, failed);
    return {
      abandon: () => source.stop(),
      commit: () => {
        kept?.source.stop();
        target = kept?.target ?? createTarget(this, parts);
        target.setEndpoints(endpoints);
        return new ReplicaBacking(this, target, source);
      },
    };
  }
}

class ReplicaBacking implements Backing {
  readonly config: ResolvedReplicas;
  readonly target: ReplicaTarget;
  readonly source: EndpointSource;

  constructor(config: ResolvedReplicas, target: ReplicaTarget, source: EndpointSource) {
    this.config = config;
    this.target = target;
    this.source = source;
  }

  statistics(): BackingStatistics {
    return { replicas: this.target.statistics() };
  }

  async retire(successor: Backing | undefined, deadlineMs: number): Promise<void> {
    if (successor === this) return;
    this.source.stop();
    if (successor?.target !== this.target) await this.target.close(Math.min(deadlineMs, this.config.options.drainMs));
  }
}

function hasSameOptions(one: ResolvedReplicas, other: ResolvedReplicas): boolean {
  return JSON.stringify(one.options) === JSON.stringify(other.options);
}

function createTarget({ name, options }: ResolvedReplicas, { clock, random }: BackingParts): ReplicaTarget {
  const { algorithm, health, maxConnections } = options;
  return new ReplicaTarget(name, {
    clock,
    options,
    createBalancer(check) {
      const probe = health && { check, intervalMs: health.intervalMs, timeoutMs: health.timeoutMs };
      return new LoadBalancer({ algorithm, clock, random, ...(probe && { probe }) });
    },
    connect: ({ url, host }) =>
      new HttpUpstream({ url: new URL(url).origin, maxConnections, clock, ...(host !== undefined && { host }) }),
  });
}
