import type { Clock } from '../../kernel/clock.ts';
import { PeregrineError } from '../../kernel/errors.ts';
import { objectOption, stringOption } from '../../kernel/options.ts';
import type { Random } from '../../kernel/random.ts';
import {
  type AddressFamily,
  type AddressOptions,
  familyOption,
  portOption,
  resolveAddressOptions,
  whenChanged,
} from '../sources/addresses.ts';
import type { Endpoint, EndpointSource } from '../sources/endpoint-source.ts';
import type { ApiClient } from './api-client.ts';
import { objectNameOption } from './api-options.ts';
import { type EndpointSlice, portOf, portsOf, type SliceOptions, toEndpoints } from './endpoint-slices.ts';
import { ObjectWatch } from './object-watch.ts';

export interface EndpointSliceSourceOptions extends AddressOptions {
  readonly service: string;
  /** By its name in the service, or the number that pods listen on. @default the only one */
  readonly port?: string | number;
  /** Takes only addresses of IPv4 or of IPv6. @default IPv4 for a replica that has both */
  readonly family?: AddressFamily;
  /** The name to send as Host, and to check certificates by. @default "<service>.<namespace>.svc" */
  readonly host?: string;
}

export const SLICE_KEYS = ['service', 'port', 'scheme', 'path', 'family', 'host'] as const;

/** The replicas of a service of Kubernetes, by its EndpointSlices. */
export class EndpointSliceSource implements EndpointSource {
  readonly #service: string;
  readonly #options: SliceOptions;
  readonly #watch: ObjectWatch<EndpointSlice>;
  #isPortThere = true;

  /** @throws {OptionError} */
  constructor(
    options: EndpointSliceSourceOptions,
    { api, ...time }: { readonly api: ApiClient; readonly clock?: Clock; readonly random?: Random },
    name = 'kubernetes',
  ) {
    const given = objectOption(name, options, SLICE_KEYS);
    this.#service = objectNameOption(`${name}.service`, given.service);
    this.#options = {
      ...resolveAddressOptions(name, options),
      port: namedPortOption(`${name}.port`, given.port),
      family: familyOption(`${name}.family`, given.family),
      host: stringOption(`${name}.host`, given.host, `${this.#service}.${api.namespace}.svc`),
    };
    const selector = encodeURIComponent(`kubernetes.io/service-name=${this.#service}`);
    const path = `/apis/discovery.k8s.io/v1/namespaces/${api.namespace}/endpointslices?labelSelector=${selector}`;
    this.#watch = new ObjectWatch({ api, path, ...time });
  }

  start(changed: (endpoints: readonly Endpoint[]) => void, failed: (error: unknown) => void): Promise<void> {
    const tell = whenChanged(changed);
    return this.#watch.start((slices) => {
      const all = [...slices];
      this.#checkPort(all, failed);
      tell(toEndpoints(all, this.#options));
    }, failed);
  }

  stop(): void {
    this.#watch.stop();
  }

  /** A port that no slice has would leave a service without replicas, and nobody would know why. Told once. */
  #checkPort(slices: readonly EndpointSlice[], failed: (error: unknown) => void): void {
    const withPorts = slices.filter(({ endpoints }) => (endpoints ?? []).length > 0);
    const { port } = this.#options;
    const ports = portsOf(withPorts);
    const isThere = withPorts.length === 0 || withPorts.some((slice) => portOf(slice, port) !== undefined);
    if (!isThere && this.#isPortThere) {
      const wanted = port === undefined ? 'has several ports, choose one' : `has no port ${port}`;
      const message = `service "${this.#service}" ${wanted}; there are: ${ports.join(', ')}`;
      failed(new PeregrineError('KUBERNETES_PORT_UNKNOWN', message));
    }
    this.#isPortThere = isThere;
  }
}

function namedPortOption(name: string, value: unknown): string | number | undefined {
  if (value === undefined) return undefined;
  return typeof value === 'string' ? stringOption(name, value) : portOption(name, value);
}
