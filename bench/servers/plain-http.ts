/** Reference: node:http that reads the body, parses it as JSON and answers fixed bytes. */
import { createServer } from 'node:http';
import { announce, readArguments } from './announce.ts';

const { toolset, scenario, answer, port } = readArguments();
const text = answer ?? (await (await import('../scenarios/fixed-answer.ts')).fixedAnswer(toolset, scenario));
// Sent as a string: Node.js then writes head and body at once, which is its cheapest way.
const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
    try {
      JSON.parse(body.toString());
    } catch {
      response.writeHead(400).end();
      return;
    }
    response.writeHead(200, headers);
    response.end(text);
  });
});
server.listen(port, '127.0.0.1', () => announce(server.address()));
