import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isIP } from 'node:net';

/** Where something of the monitor is served. */
export interface OutletState {
  readonly name: 'metrics' | 'dashboard';
  /** Nothing where it is not served, `problem` saying why. */
  readonly url: string | null;
  readonly problem: string | null;
}

/** An address to listen on; port 0 takes any free one. */
export interface OutletAddress {
  readonly host: string;
  readonly port: number;
}

/** Listens, or says what keeps it from that: a monitor that cannot be served is no reason not to serve. Never throws. */
export function listenOutlet(name: OutletState['name'], server: Server, address: OutletAddress): Promise<OutletState> {
  const { host, port } = address;
  return new Promise((resolve) => {
    // It stays: a connection that cannot be accepted later is an error too, and of no consequence.
    server.on('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is in use by another program' : `cannot be had: ${error.message}`;
      resolve({ name, url: null, problem: `${urlHost(host)}:${port} ${why}: the ${name} cannot be read there` });
    });
    server.listen({ host, port }, () => {
      const actual = (server.address() as AddressInfo).port;
      resolve({ name, url: `http://${urlHost(host)}:${actual}`, problem: null });
    });
  });
}

function urlHost(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}
