import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Proxy {
  readonly url: string;
  /** Ends all connections and refuses others, until it is called with false. */
  cut(isCut: boolean): void;
  /** Leads connections that are made from now on to another server. */
  lead(targetUrl: string): void;
}

/** A way to a server on this machine that can be cut; ended with the test. */
export async function openProxy(targetUrl: string): Promise<Proxy> {
  let target = new URL(targetUrl);
  const open = new Set<Socket>();
  let isClosed = false;
  const server = createServer((near) => {
    if (isClosed) return void near.destroy();
    const far = connect(Number(target.port), target.hostname);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(socket);
      socket.pipe(other);
      socket.on('error', () => {});
      socket.on('close', () => {
        open.delete(socket);
        other.destroy();
      });
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const cut = (isCut: boolean): void => {
    isClosed = isCut;
    if (isCut) for (const socket of open) socket.destroy();
  };
  const lead = (url: string): void => {
    target = new URL(url);
  };
  onTestFinished(() => {
    cut(true);
    server.close();
  });
  return { url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`, cut, lead };
}
