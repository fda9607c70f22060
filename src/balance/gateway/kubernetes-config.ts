import type { Clock } from '../../kernel/clock.ts';
import { objectOption } from '../../kernel/options.ts';
import { ApiClient } from '../kubernetes/api-client.ts';
import { API_KEYS, type KubernetesApiOptions, resolveApiOptions } from '../kubernetes/api-options.ts';
import { type EndpointSliceSourceOptions, SLICE_KEYS } from '../kubernetes/endpoint-slice-source.ts';

/** A service of Kubernetes, and how its cluster is reached. */
export type KubernetesConfig = EndpointSliceSourceOptions & KubernetesApiOptions;

/** Splits a configuration into what concerns the service and a client of the cluster's API. @throws {OptionError} */
export function resolveKubernetes(
  name: string,
  settings: unknown,
  clock: Clock,
): { readonly api: ApiClient; readonly slices: EndpointSliceSourceOptions } {
  const given = objectOption(name, settings, [...SLICE_KEYS, ...API_KEYS]);
  const api = new ApiClient(resolveApiOptions(name, partOf(given, API_KEYS)), { clock });
  return { api, slices: partOf(given, SLICE_KEYS) as EndpointSliceSourceOptions };
}

/** Those of an object's members that have these names. */
export function partOf(given: object, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(given).filter(([key]) => keys.includes(key)));
}
