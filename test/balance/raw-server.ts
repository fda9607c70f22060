import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { onTestFinished } from 'vitest';

/** One request as a {@link RawServer} read it. */
export interface RawRequest {
  readonly head: string;
  readonly body: string;
  readonly socket: Socket;
}

/** A server that reads requests and answers with whatever bytes a test wants. */
export interface RawServer {
  readonly url: string;
  readonly port: number;
  /** Connections accepted so far, in order. */
  readonly sockets: readonly Socket[];
  readonly requests: readonly RawRequest[];
  /** Resolves with the request of that number, counted from 0, when it has come. */
  request(index: number): Promise<RawRequest>;
}

/** @param answer Gets each request when it is there as a whole. The server ends with the test. */
export async function startRawServer(
  answer: (request: RawRequest, index: number) => void = () => {},
  tls?: { readonly key: string; readonly cert: string },
): Promise<RawServer> {
  const sockets: Socket[] = [];
  const requests: RawRequest[] = [];
  const wake: (() => void)[] = [];
  const take = (socket: Socket): void => {
    sockets.push(socket);
    let text = '';
    socket.on('error', () => {});
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
      for (let request = cut(text); request !== undefined; request = cut(text)) {
        text = text.slice(request.length);
        requests.push({ head: request.head, body: request.body, socket });
        answer(requests.at(-1) as RawRequest, requests.length - 1);
        for (const one of wake.splice(0)) one();
      }
    });
  };
  const server: Server = tls === undefined ? createServer(take) : createTlsServer(tls, take);
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const request = async (index: number): Promise<RawRequest> => {
    while (requests.length <= index) await new Promise<void>((resolve) => wake.push(resolve));
    return requests[index] as RawRequest;
  };
  return { url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`, port, sockets, requests, request };
}

function cut(text: string): { head: string; body: string; length: number } | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const head = text.slice(0, end);
  const length = end + 4 + Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
  return text.length < length ? undefined : { head, body: text.slice(end + 4, length), length };
}

/** An answer with a length, and whatever fields. */
export function ok(body: string, fields = ''): string {
  return `HTTP/1.1 200 OK\r\n${fields}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
