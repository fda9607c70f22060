import { ApiClient } from '../../../../src/balance/kubernetes/api-client.ts';
import { FakeClock } from '../../../../src/testing/fake-clock.ts';
import { FakeApi } from '../../../kubernetes/fake-api.ts';
import { type FakeTransport, fakeTransport } from '../../../kubernetes/fake-transport.ts';
import { settle } from '../../cache/instances.ts';

export { settle };

/** A cluster in virtual time. */
export interface Cluster {
  readonly api: FakeApi;
  readonly clock: FakeClock;
  readonly random: () => number;
  /** A client of its own, with a network of its own. */
  client(token?: string): { readonly api: ApiClient; readonly transport: FakeTransport };
  /** Lets time pass in small steps, in which what a timer begins comes to its end. */
  pass(ms: number): Promise<void>;
}

const STEP_MS = 250;

export function startCluster(options: { readonly hasKeda?: boolean } = {}): Cluster {
  const api = new FakeApi(options);
  const clock = new FakeClock();
  return {
    api,
    clock,
    random: () => 0.5,
    client(token) {
      const transport = fakeTransport(api);
      const settings = { apiServer: new URL('https://api'), ca: undefined, namespace: 'default' };
      const readToken = async (): Promise<string | undefined> => token;
      return { transport, api: new ApiClient({ ...settings, readToken }, { clock, transport }) };
    },
    async pass(ms) {
      await settle();
      for (let left = ms; left > 0; left -= STEP_MS) {
        clock.advance(Math.min(left, STEP_MS));
        await settle();
      }
    },
  };
}

export interface SliceContent {
  readonly service?: string;
  readonly type?: 'IPv4' | 'IPv6' | 'FQDN';
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[];
  /** By address; further fields are conditions, `uid` is the pod's. */
  readonly endpoints: readonly {
    readonly address: string;
    readonly uid?: string;
    readonly ready?: boolean;
    readonly serving?: boolean;
    readonly terminating?: boolean;
  }[];
}

const HTTP = [{ name: 'http', port: 3000 }];

/** An EndpointSlice as a cluster has it. */
export function slice(name: string, { service = 'web', type = 'IPv4', ports = HTTP, endpoints }: SliceContent) {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, labels: { 'kubernetes.io/service-name': service } },
    addressType: type,
    ports,
    endpoints: endpoints.map(({ address, uid, ...conditions }) => ({
      addresses: [address],
      conditions,
      ...(uid === undefined ? {} : { targetRef: { kind: 'Pod', uid } }),
    })),
  };
}
