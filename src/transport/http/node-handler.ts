import type { IncomingMessage, ServerResponse } from 'node:http';
import { decodeBody } from '../body.ts';
import type { Acceptor } from '../exchange.ts';
import { corsHeaders, preflightHeaders } from './cors.ts';
import { isJsonMediaType } from './lane-head.ts';
import { NodeExchange, type NodeShared } from './node-exchange.ts';
import type { OriginGuard } from './origin-guard.ts';
import type { Page, Pages } from './page.ts';

/** What the handler for `node:http` needs of its server. */
export interface NodeHandlerShared extends NodeShared {
  readonly acceptor: Acceptor;
  readonly guard: OriginGuard;
  /** Whether the server behind is reached by this path. */
  hasPath(path: string): boolean;
  /** What is served besides. */
  readonly pages: Pages;
}

/** Serves the endpoint on `node:http`: every shape of request that the lane leaves alone. */
export function createNodeHandler(
  shared: NodeHandlerShared,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { acceptor, guard } = shared;
  return (request, response) => {
    const { host, origin } = request.headers;
    const { method = '' } = request;
    const [target = '', query = ''] = split(request.url ?? '');
    const page = shared.hasPath(target) ? undefined : shared.pages.get(target);
    const refusal = guard.refuse(host, page?.isPublic ? undefined : origin);
    if (refusal !== undefined) refuse(shared, request, response, 403, refusal);
    else if (method === 'OPTIONS' && origin !== undefined) preflight(shared, request, response);
    else if (page === undefined && !shared.hasPath(target)) refuse(shared, request, response, 404, 'Not found');
    else if (page !== undefined && !page.methods.includes(method))
      refuse(shared, request, response, 405, 'Method not allowed', { Allow: page.methods.join(', ') });
    else if (method === 'POST') post(request, response, shared, page, query);
    else if (page !== undefined) page.serve(new NodeExchange(request, response, shared), { method, query, body: '' });
    else acceptor.other(new NodeExchange(request, response, shared), method);
  };
}

/** The path of a request's target, and what follows the `?`. */
function split(url: string): [path: string, query: string] {
  const at = url.indexOf('?');
  return at === -1 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)];
}

function post(
  request: IncomingMessage,
  response: ServerResponse,
  shared: NodeHandlerShared,
  page: Page | undefined,
  query: string,
): void {
  const { acceptor, limits } = shared;
  if (!isJsonMediaType(request.headers['content-type'] ?? '')) {
    refuse(shared, request, response, 415, 'Content-Type must be application/json');
    return;
  }
  if (Number(request.headers['content-length'] ?? 0) > limits.maxBodyBytes) {
    refuse(shared, request, response, 413, tooLarge(limits.maxBodyBytes));
    return;
  }
  readPost(request, response, shared, (exchange, body) => {
    if (page === undefined) acceptor.post(exchange, body);
    else page.serve(exchange, { method: 'POST', query, body });
  });
}

function readPost(
  request: IncomingMessage,
  response: ServerResponse,
  shared: NodeHandlerShared,
  take: (exchange: NodeExchange, body: string) => void,
): void {
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
    take(exchange, decodeBody(Buffer.concat(pieces, bytes), 0, bytes));
  });
  request.on('error', () => {});
}

function tooLarge(limit: number): string {
  return `The body exceeds ${limit} bytes`;
}

function preflight(shared: NodeShared, request: IncomingMessage, response: ServerResponse): void {
  const { origin = '', 'access-control-request-headers': fields } = request.headers;
  const closing = isKept(shared, request) ? {} : { Connection: 'close' };
  response.writeHead(204, { ...Object.fromEntries(preflightHeaders(origin, fields)), ...closing });
  response.end();
  request.resume();
}

/** Whether the connection can go on: its next bytes are known. */
function isKept(shared: NodeShared, request: IncomingMessage): boolean {
  const isWhole = request.complete || request.headers['content-length'] === undefined;
  return isWhole && request.headers['transfer-encoding'] === undefined && !shared.isLast(request.socket);
}

/** Answers without reading the rest of the body; the connection ends with the answer, for its next bytes are unknown. */
function refuse(
  shared: NodeHandlerShared,
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  message: string,
  headers: Record<string, string> = {},
): void {
  const { origin } = request.headers;
  const isOurs = origin !== undefined && shared.guard.allows(origin);
  const text = JSON.stringify({ jsonrpc: '2.0', error: { code: -32000, message } });
  const closing = isKept(shared, request) ? {} : { Connection: 'close' };
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
    ...closing,
    ...headers,
    ...(isOurs ? Object.fromEntries(corsHeaders(origin)) : {}),
  });
  response.end(text);
  request.resume();
}
