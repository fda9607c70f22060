import type { Balancer } from '../../../../src/balance/gateway/call-shared.ts';
import { type ReplicaConfig, resolveReplicaOptions } from '../../../../src/balance/gateway/replica-options.ts';
import { ReplicaTarget } from '../../../../src/balance/gateway/replica-target.ts';
import type { TargetCall, TargetFailure, TargetSink } from '../../../../src/balance/gateway/target.ts';
import type { CallOutcome, ChosenBackend } from '../../../../src/balance/picking/backend.ts';
import type {
  Upstream,
  UpstreamCall,
  UpstreamError,
  UpstreamErrorCode,
  UpstreamHeaders,
  UpstreamRequest,
  UpstreamSink,
} from '../../../../src/balance/upstream/upstream-call.ts';
import { FakeClock } from '../../../../src/testing/testing.ts';

export function headersOf(fields: Readonly<Record<string, string>>): UpstreamHeaders {
  return { get: (name) => fields[name], entries: () => Object.entries(fields) };
}

/** A request that an upstream got, to which the test answers. */
export class FakeCall implements UpstreamCall {
  readonly request: UpstreamRequest;
  readonly sink: UpstreamSink;
  readonly log: string[] = [];

  constructor(request: UpstreamRequest, sink: UpstreamSink) {
    this.request = request;
    this.sink = sink;
  }

  pause(): void {
    this.log.push('pause');
  }

  resume(): void {
    this.log.push('resume');
  }

  abort(): void {
    this.log.push('abort');
  }

  answer(status: number, body = '{}', fields: Readonly<Record<string, string>> = {}): void {
    const length = String(Buffer.byteLength(body));
    this.sink.head(status, headersOf({ 'content-type': 'application/json', 'content-length': length, ...fields }));
    if (body !== '') this.sink.data(Buffer.from(body));
    this.sink.ended();
  }

  fail(code: UpstreamErrorCode, neverSent = false): void {
    this.sink.failed(Object.assign(new Error(code), { code, neverSent }) as UpstreamError);
  }
}

export class FakeUpstream implements Upstream {
  readonly calls: FakeCall[] = [];
  closed = false;
  /** Answers at once, where it is given. */
  onCall: ((call: FakeCall) => void) | undefined;

  send(request: UpstreamRequest, sink: UpstreamSink): UpstreamCall {
    const call = new FakeCall(request, sink);
    this.calls.push(call);
    this.onCall?.(call);
    return call;
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  get last(): FakeCall {
    return this.calls.at(-1) as FakeCall;
  }
}

/** Chooses the first backend that is not excluded, and remembers what became of it. */
export class FirstBalancer implements Balancer {
  readonly ids: string[] = [];
  readonly drained: string[] = [];
  readonly settled: [id: string, outcome: CallOutcome][] = [];
  readonly reports: unknown[] = [];

  add(id: string): void {
    if (!this.ids.includes(id)) this.ids.push(id);
  }

  remove(id: string): void {
    this.ids.splice(this.ids.indexOf(id), 1);
  }

  drain(id: string): void {
    this.drained.push(id);
  }

  pick(options?: { readonly exclude?: ReadonlySet<string> | undefined }): ChosenBackend | undefined {
    const id = this.ids.find((one) => options?.exclude?.has(one) !== true && !this.drained.includes(one));
    return id === undefined ? undefined : this.take(id);
  }

  take(id: string): ChosenBackend {
    let isSettled = false;
    return {
      id,
      settle: (outcome) => {
        if (isSettled) throw new Error(`${id} was settled twice`);
        isSettled = true;
        this.settled.push([id, outcome]);
      },
    };
  }

  report(id: string, load: unknown): void {
    this.reports.push([id, load]);
  }

  getStatistics() {
    return { algorithm: 'round-robin' as const, load: { overall: 0 }, instances: [] };
  }

  close(): void {
    this.ids.length = 0;
  }
}

/** What a client's side hears. */
export class RecordingSink implements TargetSink {
  readonly heard: unknown[] = [];
  body = '';

  head(status: number, _headers: UpstreamHeaders, backend: string): void {
    this.heard.push(['head', status]);
    this.backend = backend;
  }

  backend: string | undefined;

  data(chunk: Buffer): void {
    this.body += chunk.toString();
  }

  ended(): void {
    this.heard.push('ended');
  }

  failed({ reason }: TargetFailure): void {
    this.heard.push(['failed', reason]);
  }
}

export interface FakeReplicas {
  readonly target: ReplicaTarget;
  readonly clock: FakeClock;
  readonly balancer: FirstBalancer;
  readonly upstreams: ReadonlyMap<string, FakeUpstream>;
  upstream(id: string): FakeUpstream;
  /** Asks a replica whether it works. */
  probe(id: string, signal: AbortSignal): Promise<void>;
  call(call?: Partial<TargetCall>): { readonly sink: RecordingSink; readonly call: UpstreamCall };
}

/** Replicas `a`, `b` and so on whose answers the test gives. */
export function replicas(config: ReplicaConfig = {}, ids: readonly string[] = ['a', 'b']): FakeReplicas {
  const clock = new FakeClock();
  clock.advance(60_000);
  const balancer = new FirstBalancer();
  const upstreams = new Map<string, FakeUpstream>();
  let probe: FakeReplicas['probe'] = () => Promise.reject(new Error('not there yet'));
  const target = new ReplicaTarget('things', {
    clock,
    options: resolveReplicaOptions('servers.things', config),
    createBalancer: (check) => {
      probe = check;
      return balancer;
    },
    connect: ({ id }) => {
      const upstream = new FakeUpstream();
      upstreams.set(id, upstream);
      return upstream;
    },
  });
  target.setEndpoints(ids.map((id) => ({ id, url: `http://${id}.test:80/mcp` })));
  return {
    target,
    probe: (id, signal) => probe(id, signal),
    clock,
    balancer,
    upstreams,
    upstream: (id) => upstreams.get(id) as FakeUpstream,
    call(call = {}) {
      const sink = new RecordingSink();
      const made = target.send({ ...LIST, ...call }, sink);
      return { sink, call: made };
    },
  };
}

/** A safe call. */
export const LIST: TargetCall = {
  method: 'POST',
  headerLines: 'Mcp-Method: tools/list\r\n',
  body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
  rpcMethod: 'tools/list',
  rpcName: undefined,
  session: undefined,
};

/** A call that must not be made twice. */
export const BUY: TargetCall = {
  ...LIST,
  headerLines: 'Mcp-Method: tools/call\r\nMcp-Name: buy\r\n',
  rpcMethod: 'tools/call',
  rpcName: 'buy',
};

export const SHED = '{"jsonrpc":"2.0","id":1,"error":{"code":-32010,"message":"not executed"}}';
