import type { IncomingMessage, ServerResponse } from 'node:http';
import { decodeBody } from '../body.ts';
import type { Acceptor } from '../exchange.ts';
import { isJsonMediaType } from './lane-head.ts';
import { NodeExchange, type NodeShared } from './node-exchange.ts';
import type { OriginGuard } from './origin-guard.ts';

/** What the handler for `node:http` needs of its server. */
export interface NodeHandlerShared extends NodeShared {
  readonly acceptor: Acceptor;
  readonly guard: OriginGuard;
  /** Whether the server behind is reached by this path. */
  hasPath(path: string): boolean;
}

/** Serves the endpoint on `node:http`: every shape of request that the lane leaves alone. */
export function createNodeHandler(
  shared: NodeHandlerShared,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { acceptor, guard, limits } = shared;
  return (request, response) => {
    const { host, origin } = request.headers;
    const [target = ''] = (request.url ?? '').split('?', 1);
    const refusal = guard.refuse(host, origin);
    if (refusal !== undefined) refuse(shared, request, response, 403, refusal);
    else if (!shared.hasPath(target)) refuse(shared, request, response, 404, 'Not found');
    else if (request.method !== 'POST')
      acceptor.other(new NodeExchange(request, response, shared), request.method ?? '');
    else if (!isJsonMediaType(request.headers['content-type'] ?? ''))
      refuse(shared, request, response, 415, 'Content-Type must be application/json');
    else if (Number(request.headers['content-length'] ?? 0) > limits.maxBodyBytes)
      refuse(shared, request, response, 413, tooLarge(limits.maxBodyBytes));
    else readPost(request, response, shared);
  };
}

function readPost(request: IncomingMessage, response: ServerResponse, shared: NodeHandlerShared): void {
  const pieces: Buffer[] = [];
  let bytes = 0;
  request.on('data', (piece: Buffer) => {
    bytes += piece.length;
    if (bytes <= shared.limits.maxBodyBytes) {
      pieces.push(piece);
      return;
    }
    request.removeAllListeners('data').removeAllListeners('end');
    refuse(shared, request, response, 413, tooLarge(shared.limits.maxBodyBytes));
  });
  request.on('end', () => {
    const exchange = new NodeExchange(request, response, shared);
    shared.acceptor.post(exchange, decodeBody(Buffer.concat(pieces, bytes), 0, bytes));
  });
  request.on('error', () => {});
}

function tooLarge(limit: number): string {
  return `The body exceeds ${limit} bytes`;
}

/** Answers without reading the rest of the body; the connection ends with the answer, for its next bytes are unknown. */
function refuse(
  shared: NodeShared,
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  message: string,
): void {
  const text = JSON.stringify({ jsonrpc: '2.0', error: { code: -32000, message } });
  const isWhole = request.complete || request.headers['content-length'] === undefined;
  const isKept = isWhole && request.headers['transfer-encoding'] === undefined && !shared.isLast(request.socket);
  const closing = isKept ? {} : { Connection: 'close' };
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
    ...closing,
  });
  response.end(text);
  request.resume();
}
