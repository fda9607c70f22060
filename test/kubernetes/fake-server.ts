import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { FakeApi } from './fake-api.ts';

/** The fake API behind a socket. */
export interface FakeServer {
  readonly url: string;
  /** Breaks all connections and takes none until `up`. */
  down(): Promise<void>;
  up(): Promise<void>;
}

export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** Serves on a free port of this machine; with a certificate by TLS. */
export async function serve(api: FakeApi, certificate?: Certificate): Promise<FakeServer> {
  const answer = (request: IncomingMessage, response: ServerResponse): void => void respond(api, request, response);
  const server = certificate === undefined ? createHttp(answer) : createHttps(certificate, answer);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', () => {
        server.off('error', reject);
        resolve();
      });
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    url: certificate === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`,
    up: () => listen(port),
    async down() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function respond(api: FakeApi, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = '';
  for await (const chunk of request) body += chunk;
  const { method = '', url = '', headers } = request;
  const token = headers.authorization?.replace(/^Bearer /, '');
  const answer = api.handle({ method, url, token, contentType: headers['content-type'], body });
  response.writeHead(answer.status, { 'Content-Type': 'application/json' });
  if ('body' in answer) {
    response.end(JSON.stringify(answer.body));
    return;
  }
  response.flushHeaders();
  const stop = answer.open({
    write: (line) => void (response.writableEnded || response.write(line)),
    end: (isOrderly) => void (isOrderly ? response.end() : response.destroy()),
  });
  response.on('close', stop);
}
