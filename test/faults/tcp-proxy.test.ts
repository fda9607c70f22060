import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FaultProxy, startFaultProxy } from './tcp-proxy.ts';

let server: Server;
let proxy: FaultProxy;
const sockets: Socket[] = [];

beforeEach(async () => {
  server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy = await startFaultProxy({ targetPort: (server.address() as AddressInfo).port });
});

afterEach(async () => {
  await proxy.close();
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
});

interface Client {
  readonly socket: Socket;
  readonly received: () => string;
  /** How the connection ended: an error code, or `end`. */
  readonly ended: Promise<string>;
  read(length: number): Promise<string>;
}

async function open(): Promise<Client> {
  const socket = connect(proxy.port, '127.0.0.1');
  sockets.push(socket);
  let text = '';
  let code = 'end';
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    code = error.code ?? 'error';
  });
  const ended = new Promise<string>((resolve) => socket.on('close', () => resolve(code)));
  await once(socket, 'connect');
  const read = async (length: number): Promise<string> => {
    while (text.length < length) await once(socket, 'data');
    return text;
  };
  return { socket, received: () => text, ended, read };
}

/** A client whose first message came back: the connection stands on both sides. */
async function opened(): Promise<Client> {
  const client = await open();
  client.socket.write('hi');
  expect(await client.read(2)).toBe('hi');
  return client;
}

describe('fault proxy', () => {
  it('passes bytes and ends through in both directions', async () => {
    const client = await opened();
    const big = 'x'.repeat(1_000_000);
    client.socket.end(big);
    expect(await client.ended).toBe('end');
    expect(client.received()).toBe(`hi${big}`);
    expect(proxy.accepted).toBe(1);
  });

  it('counts open connections', async () => {
    const [first] = [await opened(), await opened()];
    expect(proxy.connections).toBe(2);
    first.socket.end();
    await first.ended;
    await expect.poll(() => proxy.connections).toBe(1);
  });

  it('delays packets in each direction and keeps their order', async () => {
    const client = await opened();
    proxy.setLatency(40);
    const start = performance.now();
    client.socket.write('a');
    client.socket.write('b');
    expect(await client.read(4)).toBe('hiab');
    expect(performance.now() - start).toBeGreaterThan(78);
  });

  it('throttles', async () => {
    const client = await opened();
    proxy.throttle(10_000);
    const start = performance.now();
    client.socket.write('x'.repeat(1_000));
    await client.read(1_002);
    expect(performance.now() - start).toBeGreaterThan(80);
    proxy.throttle(Infinity);
    client.socket.write('y'.repeat(100_000));
    await client.read(101_002);
  });

  it('holds everything back while stalled, and passes it on afterwards', async () => {
    const [client, other] = [await opened(), await opened()];
    proxy.stall();
    client.socket.write('held');
    const late = await open(); // A stalled proxy accepts.
    late.socket.end('late');
    proxy.resume();
    expect(await client.read(6)).toBe('hiheld');
    await late.ended;
    expect(late.received()).toBe('late');
    proxy.stall();
    other.socket.write('never');
    proxy.resetAll();
    await other.ended;
    expect(other.received()).toBe('hi');
  });

  it('resets both sides', async () => {
    const client = await opened();
    const atServer = sockets.find((socket) => socket.localPort === (server.address() as AddressInfo).port);
    const serverError = once(atServer as Socket, 'error');
    proxy.resetAll();
    expect(await client.ended).toBe('ECONNRESET');
    expect((await serverError)[0]).toMatchObject({ code: 'ECONNRESET' });
    expect(proxy.connections).toBe(0);
    await opened();
  });

  it('refuses new connections and leaves open ones alone', async () => {
    const client = await opened();
    await proxy.refuse(true);
    const socket = connect(proxy.port, '127.0.0.1');
    const [error] = await once(socket, 'error');
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
    client.socket.write('still');
    expect(await client.read(7)).toBe('histill');
    await proxy.refuse(false);
    await opened();
  });

  it('cuts towards the client in the middle of a packet', async () => {
    const before = await opened();
    proxy.cutAfter(3);
    const after = await open();
    for (const client of [before, after]) client.socket.write('abcdef');
    expect(await before.ended).toBe('end');
    expect(before.received()).toBe('hiabc');
    await after.ended;
    expect(after.received()).toBe('abc');
    proxy.cutAfter(Infinity);
    await opened();
  });

  it('cuts towards the server in the middle of a packet', async () => {
    const client = await opened();
    const atServer = sockets.at(-1) as Socket;
    const got: Buffer[] = [];
    atServer.on('data', (bytes: Buffer) => got.push(bytes));
    proxy.cutAfter(4, 'toServer');
    client.socket.write('abcdef');
    expect(await client.ended).toBe('ECONNRESET');
    await once(atServer, 'close');
    expect(Buffer.concat(got).toString()).toBe('abcd');
  });
});
