import type { Clock } from '../../kernel/clock.ts';
import { OptionError } from '../../kernel/errors.ts';
import { EndpointSliceSource } from '../kubernetes/endpoint-slice-source.ts';
import { DnsSource, type DnsSourceOptions } from '../sources/dns-source.ts';
import type { EndpointSource } from '../sources/endpoint-source.ts';
import { type StaticEndpoint, StaticSource } from '../sources/static-source.ts';
import { type KubernetesConfig, resolveKubernetes } from './kubernetes-config.ts';

/** Where the replicas of a server are: exactly one of these. */
export interface SourceConfig {
  /** Their URLs, or more of each. */
  readonly endpoints?: readonly StaticEndpoint[];
  /** A name that stands for the addresses of all. */
  readonly dns?: DnsSourceOptions;
  /** A service of Kubernetes. */
  readonly kubernetes?: KubernetesConfig;
}

/** A source that can be made, and what tells whether another configuration means the same. */
export interface ResolvedSource {
  readonly fingerprint: string;
  create(): EndpointSource;
}

type Create = (name: string, settings: unknown, clock: Clock) => EndpointSource;

/** Each kind of source by its key. A further kind is one more line, and one more member of {@link SourceConfig}. */
const SOURCES: { readonly [key in keyof SourceConfig]-?: Create } = {
  endpoints: (name, settings) => new StaticSource(settings as readonly StaticEndpoint[], name),
  dns: (name, settings, clock) => new DnsSource(settings as DnsSourceOptions, { clock }, name),
  kubernetes: (name, settings, clock) => {
    const { api, slices } = resolveKubernetes(name, settings, clock);
    return new EndpointSliceSource(slices, { api, clock }, name);
  },
};

export const SOURCE_KEYS = Object.keys(SOURCES) as readonly (keyof SourceConfig)[];

/** Checks where the replicas are. @param at The name of the server's configuration. @throws {OptionError} */
export function resolveSource(at: string, given: SourceConfig, clock: Clock): ResolvedSource {
  const [key, ...others] = SOURCE_KEYS.filter((one) => given[one] !== undefined);
  if (key === undefined || others.length > 0)
    throw new OptionError(at, `must have exactly one of ${SOURCE_KEYS.join(', ')}`, given);
  const settings = given[key];
  const create = (): EndpointSource => SOURCES[key](`${at}.${key}`, settings, clock);
  create(); // What is wrong with it is known now, not when it is needed.
  return { fingerprint: JSON.stringify([key, settings]), create };
}
