import { type AddressFamily, endpointAt, type ResolvedAddressOptions } from '../sources/addresses.ts';
import type { Endpoint } from '../sources/endpoint-source.ts';
import type { ApiObject } from './api-client.ts';

/** The part of an EndpointSlice (`discovery.k8s.io/v1`) that is read. */
export interface EndpointSlice extends ApiObject {
  readonly addressType: string;
  readonly ports?: readonly { readonly name?: string | null; readonly port?: number | null }[] | null;
  readonly endpoints?: readonly SliceEndpoint[] | null;
}

interface SliceEndpoint {
  readonly addresses: readonly string[];
  /** What is not said of readiness is to be taken as yes. */
  readonly conditions?: { readonly ready?: boolean | null; readonly terminating?: boolean | null } | null;
  readonly targetRef?: { readonly uid?: string } | null;
}

export interface SliceOptions extends ResolvedAddressOptions {
  /** By name or by number; the only one of the service when it is left out. */
  readonly port: string | number | undefined;
  readonly family: AddressFamily | undefined;
  readonly host: string;
}

const FAMILIES: ReadonlyMap<string, AddressFamily> = new Map([
  ['IPv4', 4],
  ['IPv6', 6],
]);

/**
 * The replicas of a service. One that ends is draining, whether or not it still serves; one that is not ready is left out.
 *
 * A replica is there once: in several slices while Kubernetes moves it, and in both families where a service has both.
 */
export function toEndpoints(slices: Iterable<EndpointSlice>, options: SliceOptions): Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const slice of inOrder(slices, options.family)) {
    const port = portOf(slice, options.port);
    if (port === undefined) continue;
    for (const { addresses, conditions, targetRef } of slice.endpoints ?? []) {
      const [address] = addresses;
      const isDraining = conditions?.terminating === true;
      if (address === undefined || (!isDraining && conditions?.ready === false)) continue;
      const endpoint = endpointAt(address, port, options, options.host);
      const key = targetRef?.uid ?? endpoint.id;
      const known = found.get(key);
      if (known !== undefined && (isDraining || !known.draining)) continue;
      found.set(key, isDraining ? { ...endpoint, draining: true } : endpoint);
    }
  }
  return [...found.values()];
}

/** The names and numbers of all ports, for those who chose one that is not there. */
export function portsOf(slices: Iterable<EndpointSlice>): string[] {
  const ports = [...slices].flatMap((slice) => slice.ports ?? []);
  return [...new Set(ports.map(({ name, port }) => (name ? `${name} (${port})` : String(port))))];
}

/** IPv4 first, and within a family by name: which of two addresses is taken stays the same. */
function inOrder(slices: Iterable<EndpointSlice>, family: AddressFamily | undefined): EndpointSlice[] {
  return [...slices]
    .filter(({ addressType }) => {
      const itsFamily = FAMILIES.get(addressType);
      return itsFamily !== undefined && (family === undefined || itsFamily === family);
    })
    .sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
}

function orderOf({ addressType, metadata }: EndpointSlice): string {
  return `${addressType} ${metadata.name}`;
}

/** Where a slice's replicas listen, if they do on that port. */
export function portOf({ ports }: EndpointSlice, wanted: string | number | undefined): number | undefined {
  const all = ports ?? [];
  if (wanted === undefined) return all.length === 1 ? (all[0]?.port ?? undefined) : undefined;
  const matching = all.find(({ name, port }) => (typeof wanted === 'number' ? port === wanted : name === wanted));
  return matching?.port ?? undefined;
}
