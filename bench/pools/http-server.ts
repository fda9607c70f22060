/** The server that HTTP pools are measured against, in a process of its own: `fork` it with `serve`. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export const BODY = JSON.stringify({ id: 4711, name: 'peregrine', tags: ['fast', 'falcon'], text: 'x'.repeat(200) });

if (process.argv[2] === 'serve' && process.send !== undefined) {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(BODY) };
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, headers);
    response.end(BODY);
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
  process.once('disconnect', () => process.exit(0));
}
