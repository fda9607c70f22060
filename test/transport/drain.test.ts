import { describe, expect, it } from 'vitest';
import { BOTH_READERS } from './both-readers.ts';
import { settle } from './memory-lane.ts';
import { RawClient } from './raw-client.ts';
import { bare, post, startEndpoint, TestAcceptor } from './test-endpoint.ts';

describe.each(BOTH_READERS)('draining $title', ({ lane }) => {
  async function start() {
    const acceptor = new TestAcceptor();
    return { acceptor, ...(await startEndpoint({ acceptor, http: { lane } })) };
  }

  it('ends idle connections and takes no new ones', async () => {
    const { acceptor, client, endpoint, port } = await start();
    const idle = await client();
    idle.send(post('1'));
    (await acceptor.request(0)).exchange.respond(200, '{}');
    await idle.responses(1);
    endpoint.drain();
    await idle.closed;
    await expect(RawClient.open(port)).rejects.toThrow('ECONNREFUSED');
    idle.end();
    await endpoint.close(60_000);
    expect(endpoint.open).toBe(0);
  });

  it('lets a request finish, tells its client to go, and then ends the connection', async () => {
    const { acceptor, client, endpoint } = await start();
    const busy = await client();
    busy.send(post('1'));
    const { exchange } = await acceptor.request(0);
    const closing = endpoint.close(60_000);
    exchange.respond(200, '{"finished":true}');
    await busy.closed;
    const [response] = await busy.responses(1);
    expect([response?.body, response?.headers.connection]).toEqual(['{"finished":true}', 'close']);
    busy.end();
    await closing;
  });

  it('lets a stream finish, and then ends the connection', async () => {
    const { acceptor, client, endpoint } = await start();
    const busy = await client();
    busy.send(post('1'));
    const { exchange } = await acceptor.request(0);
    exchange.notify('{"n":1}');
    await busy.includes('{"n":1}');
    const closing = endpoint.close(60_000);
    exchange.notify('{"n":2}');
    exchange.respond(200, '{"finished":true}');
    await busy.closed;
    expect((await busy.responses(1))[0]?.body).toContain('{"finished":true}');
    busy.end();
    await closing;
  });

  it('reads a request whose beginning has come', async () => {
    const { acceptor, client, endpoint } = await start();
    const busy = await client();
    const request = post('"whole"');
    busy.send(post('1') + request.slice(0, 50));
    (await acceptor.request(0)).exchange.respond(200, '{}');
    await busy.responses(1);
    endpoint.drain();
    busy.send(request.slice(50));
    const { exchange, body } = await acceptor.request(1);
    expect(body).toBe('"whole"');
    exchange.respond(200, '{"second":true}');
    await busy.closed;
    expect((await busy.responses(2))[1]?.headers.connection).toBe('close');
  });

  it('cuts what is not done by the deadline, and tells the server so', async () => {
    const { acceptor, client, endpoint, clock } = await start();
    const busy = await client();
    busy.send(post('1'));
    const { exchange } = await acceptor.request(0);
    const closes: number[] = [];
    exchange.onClose = () => closes.push(clock.now());
    const closing = endpoint.close(5_000);
    clock.advance(4_999);
    await settle();
    expect(closes).toEqual([]);
    clock.advance(1);
    await closing;
    await busy.closed;
    await settle();
    expect(closes).toEqual([5_000]);
    expect(endpoint.open).toBe(0);
  });

  it('ends a connection that never sent a byte', async () => {
    const { client, endpoint, signals } = await start();
    const opened = new Promise<void>((resolve) => signals.connection.on(({ kind }) => kind === 'opened' && resolve()));
    const silent = await client();
    await opened;
    const closing = endpoint.close(60_000);
    await silent.closed;
    silent.end();
    await closing;
    expect(endpoint.open).toBe(0);
  });

  it('gives idle connections a time of grace, in which their next answer is their last', async () => {
    const { acceptor, client, endpoint, clock } = await start();
    const [used, unused] = [await client(), await client()];
    for (const [index, one] of [used, unused].entries()) {
      one.send(post('1'));
      (await acceptor.request(index)).exchange.respond(200, '{}');
      await one.responses(1);
    }
    endpoint.drain(1_000);
    used.send(post('2'));
    (await acceptor.request(2)).exchange.respond(200, '{}');
    await used.closed;
    expect((await used.responses(2)).map(({ headers }) => headers.connection)).toEqual(['keep-alive', 'close']);
    expect(unused.ended).toBe(false);
    clock.advance(1_000);
    await unused.closed;
  });

  it('leaves a connection open whose stream promised more, for one more answer', async () => {
    const { acceptor, client, endpoint, clock } = await start();
    const [used, unused] = [await client(), await client()];
    for (const [index, one] of [used, unused].entries()) {
      one.send(post('1'));
      (await acceptor.request(index)).exchange.notify('{}');
    }
    endpoint.drain(100);
    clock.advance(100);
    for (const { exchange } of acceptor.taken) exchange.respond(200, '{}');
    for (const one of [used, unused]) expect((await one.responses(1))[0]?.headers.connection).toBe('keep-alive');
    used.send(post('2'));
    (await acceptor.request(2)).exchange.respond(200, '{}');
    await used.closed;
    expect((await used.responses(2))[1]?.headers.connection).toBe('close');
    expect(unused.ended).toBe(false);
    clock.advance(2_000);
    await unused.closed;
  });

  it('says of what it refuses that it is the last answer', async () => {
    const { client, endpoint } = await start();
    const one = await client();
    await one.ask(bare('GET').replace('/mcp', '/nowhere'));
    endpoint.rebalance(1);
    one.send(bare('GET').replace('/mcp', '/nowhere'));
    await one.closed;
    expect((await one.responses(2)).map(({ status, headers }) => [status, headers.connection])).toEqual([
      [404, 'keep-alive'],
      [404, 'close'],
    ]);
  });

  it('says of a stream that it is the last answer, and ends none that was promised more for its age', async () => {
    const acceptor = new TestAcceptor();
    const { client, endpoint } = await startEndpoint({ acceptor, http: { lane }, random: () => 0 });
    const one = await client();
    one.send(post('1'));
    (await acceptor.request(0)).exchange.notify('{}');
    endpoint.rebalance(1);
    acceptor.taken[0]?.exchange.respond(200, '{}');
    await one.responses(1);
    one.send(post('2'));
    (await acceptor.request(1)).exchange.notify('{}');
    acceptor.taken[1]?.exchange.respond(200, '{}');
    await one.closed;
    expect((await one.responses(2)).map(({ headers }) => headers.connection)).toEqual(['keep-alive', 'close']);
  });

  it('ends a share of the connections, each after its next answer', async () => {
    const acceptor = new TestAcceptor(({ exchange }) => exchange.respond(200, '{}'));
    const draws = [0.1, 0.9, 0.4, 0.6];
    const random = (): number => draws.shift() ?? 0.99;
    const { client, endpoint } = await startEndpoint({ acceptor, http: { lane }, random });
    draws.unshift(0, 0, 0, 0); // what the ages of the four take
    const clients = [await client(), await client(), await client(), await client()];
    for (const one of clients) await one.ask(post('1'));
    endpoint.rebalance(0.5);
    const manners = [];
    for (const one of clients) manners.push((await one.ask(post('2'))).headers.connection);
    expect(manners).toEqual(['close', 'keep-alive', 'close', 'keep-alive']);
    await clients[0]?.closed;
    expect((await clients[1]?.ask(post('3')))?.headers.connection).toBe('keep-alive');
  });

  it('ends a connection after the first answer past its greatest age', async () => {
    const acceptor = new TestAcceptor(({ exchange }) => exchange.respond(200, '{}'));
    const random = (): number => 0.5;
    const limits = { maxConnectionAgeMs: 10_000, idleTimeoutMs: 60_000 };
    const { client, clock } = await startEndpoint({ acceptor, http: { lane }, limits, random });
    const one = await client();
    clock.advance(8_000);
    expect((await one.ask(post('1'))).headers.connection).toBe('keep-alive');
    clock.advance(1_000);
    expect((await one.ask(post('2'))).headers.connection).toBe('close');
    await one.closed;
  });

  it('tells how busy it is, where it is asked to', async () => {
    const acceptor = new TestAcceptor(({ exchange }) => exchange.respond(200, '{}'));
    const { client } = await startEndpoint({ acceptor, http: { lane, reportLoad: true } });
    const answer = await (await client()).ask(post('1'));
    expect(answer.headers['peregrine-load']).toMatch(/^cpu=[01]\.\d\d, memory=[01]\.\d\d$/);
    const silent = await startEndpoint({ acceptor, http: { lane } });
    expect((await (await silent.client()).ask(post('1'))).headers).not.toHaveProperty('peregrine-load');
  });

  it('leaves no timer behind', async () => {
    const { endpoint, clock, client } = await start();
    const idle = await client();
    endpoint.drain();
    idle.break();
    await endpoint.close(1_000);
    expect(clock.timers).toBe(0);
  });
});

it('ends a connection that was handed over and is idle', async () => {
  const acceptor = new TestAcceptor(({ exchange }) => exchange.respond(405, ''));
  const { client, endpoint } = await startEndpoint({ acceptor });
  const one = await client();
  await one.ask(bare('GET'));
  endpoint.drain();
  await one.closed;
});

it('passes over what a client pipelines after its last answer', async () => {
  const acceptor = new TestAcceptor();
  const { client, endpoint } = await startEndpoint({ acceptor });
  const one = await client();
  one.send(post('1') + post('2') + post('3'));
  const { exchange } = await acceptor.request(0);
  endpoint.drain();
  exchange.respond(200, '{}');
  await one.closed;
  expect((await one.responses(1)).length).toBe(1);
  expect(acceptor.taken.length).toBe(1);
});

it('fails to listen where another endpoint does, and says where', async () => {
  const { port } = await startEndpoint();
  await expect(startEndpoint({ http: { port } })).rejects.toMatchObject({
    code: 'LISTEN_FAILED',
    message: `127.0.0.1:${port} is in use by another program`,
  });
});
