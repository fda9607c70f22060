/** Reference: `node:http` in front, an undici `Pool` for each backend behind, pieces passed on as they come. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { Pool } from 'undici';
import { startBackends } from '../gateway/backends.ts';
import { announce, readArguments } from './announce.ts';

const HELD_BACK = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'keep-alive']);
const pools = (await startBackends()).map((port) => new Pool(`http://127.0.0.1:${port}`, { connections: 64 }));
let turn = 0;

function passedOn(headers: IncomingHttpHeaders, held: ReadonlySet<string>): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !held.has(name)));
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', async () => {
    const pool = pools[turn++ % pools.length] as Pool;
    try {
      const answer = await pool.request({
        method: 'POST',
        path: request.url as string,
        headers: passedOn(request.headers, HELD_BACK),
        body: Buffer.concat(chunks),
      });
      response.writeHead(answer.statusCode, passedOn(answer.headers, new Set(['connection', 'keep-alive'])));
      answer.body.pipe(response);
    } catch {
      response.writeHead(502).end();
    }
  });
});
server.listen(readArguments().port, '127.0.0.1', () => announce(server.address()));
