import type { Clock } from '../../kernel/clock.ts';
import { OptionError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import { objectOption } from '../../kernel/options.ts';
import type { Random } from '../../kernel/random.ts';
import { ScaleTarget, type ScaleTargetOptions, TARGET_KEYS } from '../kubernetes/scale-target.ts';
import type { BackendStatistics } from '../picking/backend.ts';
import { Autoscaler } from '../scaling/autoscaler.ts';
import { AUTOSCALER_KEYS, type AutoscalerOptions } from '../scaling/options.ts';
import type { SourceConfig } from './endpoint-sources.ts';
import { partOf, resolveKubernetes } from './kubernetes-config.ts';
import { ReplicaScaling } from './replica-scaling.ts';

/** What has the replicas, and when there are to be more or fewer. */
export type ScaleConfig = ScaleTargetOptions & AutoscalerOptions;

export interface ScalingParts {
  readonly replicas: () => readonly BackendStatistics[];
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A scaling that can be made, and what tells whether another configuration means the same. */
export interface ResolvedScale {
  readonly fingerprint: string;
  create(parts: ScalingParts): ReplicaScaling;
}

/** Checks how a server is scaled. @param server The name of the server. @throws {OptionError} */
export function resolveScale(
  server: string,
  value: unknown,
  { kubernetes }: SourceConfig,
  clock: Clock,
): ResolvedScale {
  const name = `servers.${server}.scale`;
  if (kubernetes === undefined)
    throw new OptionError(name, 'needs "kubernetes" beside it, where the cluster is', value);
  const given = objectOption(name, value, [...TARGET_KEYS, ...AUTOSCALER_KEYS]);
  const make = (time: { readonly clock: Clock; readonly random?: Random }) => {
    const { api } = resolveKubernetes(`servers.${server}.kubernetes`, kubernetes, time.clock);
    const target = new ScaleTarget(partOf(given, TARGET_KEYS) as ScaleTargetOptions, { api, ...time }, name);
    return { api, target, autoscaler: new Autoscaler(partOf(given, AUTOSCALER_KEYS), name) };
  };
  make({ clock }); // What is wrong with it is known now.
  return {
    fingerprint: JSON.stringify([given, kubernetes]),
    create: (parts) => new ReplicaScaling({ name: server, ...parts, ...make(parts) }),
  };
}
