import { systemClock } from '../../src/kernel/clock.ts';
import { createEngineSignals } from '../../src/signal/signal.ts';
import {
  type Acceptor,
  HttpEndpoint,
  resolveHttpOptions,
  resolveTransportLimits,
} from '../../src/transport/transport.ts';

export interface Served {
  readonly url: URL;
  stop(): Promise<void>;
}

/** Serves an acceptor over HTTP on a free port of the loopback interface. */
export async function serve(acceptor: Acceptor): Promise<Served> {
  const endpoint = new HttpEndpoint({
    acceptor,
    clock: systemClock,
    signals: createEngineSignals(),
    limits: resolveTransportLimits(),
    options: resolveHttpOptions({ port: 0 }),
  });
  const url = new URL(await endpoint.listen());
  return { url, stop: () => endpoint.close(0) };
}
