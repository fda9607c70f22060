import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type LoadOptions, type LoadResult, runLoad } from '../../bench/load/closed-loop.ts';
import { preparePost, rotate } from '../../bench/load/request-source.ts';

const REQUESTS = [1, 22, 333].map((id) =>
  preparePost({ host: 'localhost', path: '/mcp', headers: [['x', 'y']], body: JSON.stringify({ id }) }),
);
const ok = (body: string, head = ''): string =>
  `HTTP/1.1 200 OK\r\n${head}content-length: ${body.length}\r\n\r\n${body}`;

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server that answers each request by what `answer` says; undefined keeps silent. */
async function load(
  answer: (request: string, socket: Socket, number: number) => string | undefined,
  options: Partial<LoadOptions> = {},
): Promise<LoadResult> {
  let number = 0;
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      const text = answer(data.toString('latin1'), socket, number++);
      if (text !== undefined) socket.write(text);
    });
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return runLoad({
    port: (server.address() as AddressInfo).port,
    connections: 3,
    source: rotate(REQUESTS),
    measured: { requests: 30 },
    ...options,
  });
}

describe('runLoad', () => {
  it('counts the measured answers only', async () => {
    const seen: string[] = [];
    const edges: string[] = [];
    const result = await load(
      (request) => {
        seen.push(request);
        return ok('{}');
      },
      {
        warmUp: { requests: 10 },
        onMeasured: (edge) => edges.push(edge),
      },
    );
    expect(result).toMatchObject({ requests: 30, warmUpRequests: 10, errors: 0, bodyBytes: 60, aborted: undefined });
    expect(result.latency.count).toBe(30);
    expect(result.requestsPerSecond).toBeGreaterThan(0);
    expect(edges).toEqual(['start', 'end']);
    expect(new Set(seen)).toEqual(new Set(REQUESTS.map(({ bytes }) => bytes.toString())));
  });

  it('ends by time', async () => {
    const result = await load(() => ok('{}'), { measured: { ms: 50 } });
    expect(result.elapsedMs).toBeGreaterThanOrEqual(50);
    expect(result.requests).toBeGreaterThan(0);
  });

  it('shows every answer to a checker and counts its complaints', async () => {
    const result = await load((request) => ok(request.slice(request.indexOf('{'))), {
      checkAnswer: (_request, _status, body) => (body === '{"id":22}' ? `wrong: ${body}` : undefined),
    });
    expect(result).toMatchObject({ requests: 30, errors: 10 });
    expect(result.errorSamples[0]).toBe('wrong: {"id":22}');
  });

  it('counts another status, and another length than the expected one', async () => {
    const status = await load((_request, _socket, number) =>
      number === 4 ? 'HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n' : ok('{}'),
    );
    expect(status).toMatchObject({ requests: 30, errors: 1, errorSamples: ['status 503'] });
    const source = rotate(REQUESTS.map((request) => ({ ...request, expectedBodyBytes: 2 })));
    const length = await load((_request, _socket, number) => ok(number === 4 ? '[1]' : '{}'), { source });
    expect(length).toMatchObject({ errors: 1, errorSamples: ['body of 3 bytes instead of 2'] });
  });

  it('connects again when the server closes, with and without notice', async () => {
    const announced = await load((_request, socket, number) => {
      if (number % 5 !== 4) return ok('{}');
      socket.end(ok('{}', 'connection: close\r\n'));
      return undefined;
    });
    expect(announced).toMatchObject({ requests: 30, errors: 0 });
    const abrupt = await load((_request, socket, number) => {
      if (number !== 4) return ok('{}');
      socket.destroy();
      return undefined;
    });
    expect(abrupt).toMatchObject({ requests: 30, errors: 1 });
  });

  it('gives up after too many errors, on silence and without a server', async () => {
    expect(await load(() => 'HTTP/1.1 2x0 OK\r\n\r\n', { maxErrors: 4 })).toMatchObject({
      errors: 5,
      aborted: 'too many errors',
    });
    expect(await load(() => undefined, { stallMs: 40 })).toMatchObject({ requests: 0, aborted: 'no answer for 40 ms' });
    const refused = await runLoad({
      port: 1,
      connections: 2,
      source: rotate(REQUESTS),
      measured: { requests: 1 },
      maxErrors: 5,
    });
    expect(refused.aborted).toBe('too many errors');
  });

  it('needs a limit and a request', () => {
    expect(() => runLoad({ port: 1, connections: 1, source: rotate(REQUESTS), measured: {} })).toThrow(/limit/);
    expect(() => rotate([])).toThrow(/no requests/);
    expect(() => preparePost({ host: 'h', path: '/', headers: [['a', 'b\r\nc: d']], body: '' })).toThrow(/line break/);
  });
});
