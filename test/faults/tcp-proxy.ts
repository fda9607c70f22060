import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type Direction, Flow } from './flow.ts';

/** Where a fault proxy leads. */
export interface FaultProxyOptions {
  readonly targetPort: number;
  /** @default '127.0.0.1' */
  readonly targetHost?: string;
}

/** A TCP proxy on loopback whose faults a test switches on and off. Every fault holds for connections to come, too. */
export interface FaultProxy {
  readonly port: number;
  /** Open connections. */
  readonly connections: number;
  /** Connections accepted since the start. */
  readonly accepted: number;
  /** Delays every packet, in each direction, in milliseconds; 0 ends it. Order is kept. */
  setLatency(ms: number): void;
  /** Limits each direction of each connection, in bytes per second; `Infinity` ends it. */
  throttle(bytesPerSecond: number): void;
  /** Passes nothing on, ends of streams included; connections are accepted still. */
  stall(): void;
  /** Passes on what a stall held back, and all that follows. */
  resume(): void;
  /** Resets every open connection on both sides (RST). */
  resetAll(): void;
  /** Stops listening, so that connecting is refused, or listens on the same port again. Open connections stay. */
  refuse(on: boolean): Promise<void>;
  /**
   * Ends each connection, mid-packet if need be, once so many further bytes went in a direction: the receiver reads
   * those and then an end, the sender a reset. `Infinity` ends it.
   *
   * @param direction @default 'toClient'
   */
  cutAfter(bytes: number, direction?: Direction): void;
  /** Stops listening and destroys what is open. */
  close(): Promise<void>;
}

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  readonly flows: Readonly<Record<Direction, Flow>>;
}

/** Starts a proxy on a free port of 127.0.0.1. */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const { targetPort, targetHost = '127.0.0.1' } = options;
  const links = new Set<Link>();
  const faults = { latencyMs: 0, bytesPerSecond: Infinity, stalled: false };
  const cuts: Record<Direction, number> = { toServer: Infinity, toClient: Infinity };
  let accepted = 0;

  const accept = (client: Socket): void => {
    accepted++;
    const server = connect({ port: targetPort, host: targetHost, allowHalfOpen: true, noDelay: true });
    const link: Link = {
      client,
      server,
      flows: {
        toServer: new Flow(client, server, faults, cuts.toServer),
        toClient: new Flow(server, client, faults, cuts.toClient),
      },
    };
    links.add(link);
    for (const [socket, peer] of [[client, server] as const, [server, client] as const]) {
      socket.on('error', () => peer.resetAndDestroy());
      socket.on('close', () => {
        if (client.destroyed && server.destroyed) links.delete(link);
      });
    }
  };
  const flows = (): Flow[] => [...links].flatMap(({ flows }) => [flows.toServer, flows.toClient]);
  const listener = new Listener(accept);
  await listener.listen(0);

  return {
    port: listener.port,
    get connections() {
      return links.size;
    },
    get accepted() {
      return accepted;
    },
    setLatency(ms) {
      faults.latencyMs = ms;
    },
    throttle(bytesPerSecond) {
      faults.bytesPerSecond = bytesPerSecond;
    },
    stall() {
      faults.stalled = true;
    },
    resume() {
      faults.stalled = false;
      for (const flow of flows()) flow.pump();
    },
    resetAll: () => resetAll(links),
    refuse: (on) => (on ? listener.stop() : listener.listen(listener.port)),
    cutAfter(bytes, direction = 'toClient') {
      cuts[direction] = bytes;
      for (const { flows } of links) flows[direction].bytesLeft = bytes;
    },
    async close() {
      await listener.stop();
      resetAll(links);
    },
  };
}

function resetAll(links: ReadonlySet<Link>): void {
  for (const { client, server } of links) {
    client.resetAndDestroy();
    server.resetAndDestroy();
  }
}

/** A listening port that can be given up and taken again. */
class Listener {
  port = 0;
  #server: Server | undefined;
  readonly #accept: (client: Socket) => void;

  constructor(accept: (client: Socket) => void) {
    this.#accept = accept;
  }

  async listen(port: number): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer({ allowHalfOpen: true, noDelay: true }, this.#accept);
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', resolve);
    });
    this.port = (server.address() as AddressInfo).port;
  }

  /** `close` gives the port up at once; its callback would wait for the open connections. */
  async stop(): Promise<void> {
    this.#server?.close();
    this.#server = undefined;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
