/** Reference: what any gateway on the lane and this project's own client costs at least. It takes turns, and knows no policy. */
import { HttpUpstream, type UpstreamHeaders } from '../../dist/balance/balance.js';
import { systemClock } from '../../dist/kernel/clock.js';
import { createEngineSignals } from '../../dist/signal/signal.js';
import {
  type Exchange,
  HttpEndpoint,
  type RequestHead,
  resolveHttpOptions,
  resolveTransportLimits,
} from '../../dist/transport/transport.js';
import { startBackends } from '../gateway/backends.ts';
import { announce, readArguments } from './announce.ts';

const HELD_BACK = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'keep-alive']);

const upstreams = (await startBackends()).map((port) => new HttpUpstream({ url: `http://127.0.0.1:${port}` }));
let turn = 0;

/** Made once for all requests under one header block. */
function linesOf(head: RequestHead): string {
  head.memo ??= [...head.all()]
    .filter(([name]) => !HELD_BACK.has(name))
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  return head.memo as string;
}

function passedOn(headers: UpstreamHeaders): [string, string][] {
  headers.memo ??= [...headers.entries()].filter(
    ([name]) => !HELD_BACK.has(name) && name !== 'date' && name !== 'content-type',
  );
  return headers.memo as [string, string][];
}

function pass(exchange: Exchange, body: string): void {
  const upstream = upstreams[turn++ % upstreams.length] as HttpUpstream;
  let status = 502;
  let fields: [string, string][] = [];
  const pieces: Buffer[] = [];
  upstream.send(
    { method: 'POST', path: '/mcp', headerLines: linesOf(exchange.head as RequestHead), body },
    {
      head: (code, headers) => {
        status = code;
        fields = passedOn(headers);
      },
      data: (chunk) => {
        pieces.push(Buffer.from(chunk));
      },
      ended: () =>
        exchange.respond(status, Buffer.concat(pieces).toString(), undefined, fields.length === 0 ? undefined : fields),
      failed: (error) => exchange.respond(502, error.code),
    },
  );
}

const endpoint = new HttpEndpoint({
  options: resolveHttpOptions({ port: readArguments().port }),
  limits: resolveTransportLimits(),
  clock: systemClock,
  signals: createEngineSignals(),
  acceptor: {
    post: pass,
    other: (exchange) => exchange.respond(405, ''),
    connect: () => {
      throw new Error('this reference serves HTTP only');
    },
  },
});
announce(Number(new URL(await endpoint.listen()).port));
