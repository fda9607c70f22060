import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Exchange } from '../../src/transport/exchange.ts';
import { Outbox } from '../../src/transport/http/outbox.ts';
import { openLane, settle } from './memory-lane.ts';
import { MemorySocket } from './memory-socket.ts';
import { parseResponses } from './response-parser.ts';
import { bare, echo, post, startEndpoint, TestAcceptor } from './test-endpoint.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const utf8 = (socket: MemorySocket): string => Buffer.concat(socket.output).toString('utf8');

describe('an outbox', () => {
  it('sends at the end of the turn, all that was given in it as one', async () => {
    const socket = new MemorySocket();
    const outbox = new Outbox(socket);
    const waiting = ['one', 'twö', 'three'].map((text) => outbox.write(text, undefined, text !== 'twö'));
    expect(waiting).toEqual([3, 6, 11]);
    expect(socket.activity).toBe(0);
    await settle(1);
    expect([socket.activity, utf8(socket)]).toEqual([1, 'onetwöthree']);
    outbox.write('four', undefined, true);
    await settle(1);
    expect([socket.activity, utf8(socket)]).toEqual([2, 'onetwöthreefour']);
  });

  it('sends at once what is long, and what comes before bytes', () => {
    const socket = new MemorySocket();
    const outbox = new Outbox(socket);
    outbox.write('first', undefined, true);
    outbox.write('x'.repeat(70_000), undefined, true);
    expect(utf8(socket)).toBe(`first${'x'.repeat(70_000)}`);
    outbox.write('head', undefined, true);
    outbox.write('né', bytesOf('bytes €'), false);
    expect(utf8(socket).slice(70_005)).toBe('headnébytes €');
  });

  it('sends to a socket that is gone without a fault', async () => {
    const socket = new MemorySocket();
    const outbox = new Outbox(socket);
    outbox.write('late', undefined, true);
    socket.destroy();
    await settle();
    expect([socket.output.length, socket.errored]).toEqual([0, null]);
  });

  it('loses and reorders nothing, whatever is written when', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'é', '€', '😀'), maxLength: 5 });
    const action = fc.record({
      box: fc.nat(2),
      kind: fc.constantFrom('text', 'text', 'text', 'bytes', 'long', 'flush', 'turn'),
      text,
    });
    const cases = fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
      const sockets = Array.from({ length: 3 }, () => new MemorySocket());
      const outboxes = sockets.map((socket) => new Outbox(socket));
      const expected = sockets.map(() => '');
      for (const { box, kind, text } of actions) {
        const outbox = outboxes[box] as Outbox;
        const own = kind === 'long' ? `${text}${'x'.repeat(66_000)}` : text;
        if (kind === 'flush') outbox.flush();
        else if (kind === 'turn') await settle(1);
        else {
          const isAscii = Buffer.byteLength(own) === own.length;
          outbox.write(own, kind === 'bytes' ? bytesOf('by€tes') : undefined, isAscii);
          expected[box] += kind === 'bytes' ? `${own}by€tes` : own;
        }
      }
      await settle(1);
      expect(sockets.map(utf8)).toEqual(expected);
    });
    await fc.assert(cases, { numRuns: 300 });
  });
});

/** A lane whose answers are given, and those that it has sent so far. */
function start() {
  const acceptor = new TestAcceptor();
  const lane = openLane(acceptor);
  const answer = (index: number, text: string): void => acceptor.taken[index]?.exchange.respond(200, text);
  const bodies = (): string[] => parseResponses(lane.socket.text).map(({ body }) => body);
  return { ...lane, acceptor, answer, bodies };
}

describe('the lane sends all that was answered', () => {
  it('to pipelined requests as one write', async () => {
    const { socket } = openLane(new TestAcceptor(echo));
    socket.receive(post('1') + post('2') + post('3'));
    await settle();
    expect(parseResponses(socket.text).map(({ body }) => body)).toEqual(['1', '2', '3']);
    expect(socket.activity).toBe(1);
  });

  it('before it ends an idle connection', () => {
    const { socket, connection, shared, answer, bodies } = start();
    Object.assign(shared, { idleLimitMs: 500 });
    socket.receive(post('1'));
    answer(0, '"kept"');
    shared.tick += 1;
    connection.sweep();
    expect([socket.destroyed, bodies()]).toEqual([true, ['"kept"']]);
  });

  it('before it tells a client that its next request took too long', async () => {
    const { socket, connection, shared, answer, bodies } = start();
    socket.receive(post('1') + post('2').slice(0, -1));
    answer(0, '"kept"');
    shared.tick += 1_000;
    connection.sweep();
    await settle();
    expect(bodies()).toEqual(['"kept"', '']);
    expect(socket.text).toContain(' 408 ');
  });

  it('before it refuses a request that broke off', async () => {
    const { socket, answer } = start();
    socket.receive(post('1') + post('2').slice(0, -1));
    answer(0, '"kept"');
    socket.push(null);
    await settle();
    expect(parseResponses(socket.text).map(({ status }) => status)).toEqual([200, 400]);
    expect(socket.ended).toBe(true);
  });

  it('before it ends while draining', async () => {
    const { socket, shared, answer, bodies } = start();
    socket.receive(post('1') + post('2'));
    answer(0, '"kept"');
    shared.draining = true;
    answer(1, '"last"');
    await settle();
    expect([bodies(), socket.ended]).toEqual([['"kept"', '"last"'], true]);
  });

  it('before it gives the connection away', () => {
    const { socket, answer, bodies, acceptor } = start();
    socket.receive(post('1') + bare('GET'));
    answer(0, '"kept"');
    expect([bodies(), acceptor.taken.length]).toEqual([['"kept"'], 1]);
  });

  it('before it cuts off a slow reader of a stream', () => {
    const acceptor = new TestAcceptor();
    const { socket } = openLane(acceptor, { socket: { onWrite: () => {} } });
    socket.receive(post('1'));
    const { exchange } = acceptor.taken[0] as { exchange: Exchange };
    exchange.notify('1');
    exchange.notify('x'.repeat(5_000_000));
    expect(socket.destroyed).toBe(true);
    expect(socket.text).toContain('data: 1\n\n');
  });

  it('in the order of streams, answers and bytes', async () => {
    const { socket, acceptor } = start();
    socket.receive(post('1') + post('2') + post('3') + post('4'));
    const exchange = (index: number): Exchange => acceptor.taken[index]?.exchange as Exchange;
    exchange(0).notify('{"n":1}');
    exchange(0).notify('{"n":"€"}');
    exchange(0).respond(200, '{"a":', bytesOf('"€"}'));
    exchange(1).respond(200, '"plain"');
    exchange(2).respond(200, '{"b":', bytesOf('"é"}'));
    exchange(3).notify('{"n":3}');
    exchange(3).respond(200, '"end"');
    await settle();
    const bodies = parseResponses(Buffer.concat(socket.output).toString('latin1')).map(({ body }) =>
      Buffer.from(body, 'latin1').toString('utf8'),
    );
    const events = (...data: string[]): string => data.map((each) => `event: message\ndata: ${each}\n\n`).join('');
    expect(bodies).toEqual([
      events('{"n":1}', '{"n":"€"}', '{"a":"€"}'),
      '"plain"',
      '{"b":"é"}',
      events('{"n":3}', '"end"'),
    ]);
  });
});

describe('over loopback', () => {
  it('answers to pipelined requests arrive as one piece', async () => {
    const { client } = await startEndpoint();
    const one = await client();
    let pieces = 0;
    one.socket.on('data', () => pieces++);
    one.send(Array.from({ length: 20 }, (_, index) => post(String(index))).join(''));
    const answers = await one.responses(20);
    expect(answers.map(({ body }) => body)).toEqual(Array.from({ length: 20 }, (_, index) => String(index)));
    expect(pieces).toBe(1);
  });

  it('answers arrive though the client has ended its side with its last request', async () => {
    const { client } = await startEndpoint();
    const one = await client();
    one.socket.end(Array.from({ length: 20 }, (_, index) => post(String(index))).join(''), 'latin1');
    await one.closed;
    expect((await one.responses(20)).map(({ status }) => status)).toEqual(Array(20).fill(200));
  });

  it('answers come before those of the reader that a connection is given to', async () => {
    const { client } = await startEndpoint();
    const one = await client();
    one.send(post('1') + post('2') + bare('GET') + post('3') + post('4'));
    const answers = await one.responses(5);
    expect(answers.map(({ status, body }) => (status === 200 ? body : status))).toEqual(['1', '2', 405, '3', '4']);
  });

  it('an answer given in the turn in which the server closes for good arrives', async () => {
    const acceptor = new TestAcceptor();
    const { client, endpoint, clock } = await startEndpoint({ acceptor });
    const one = await client();
    one.send(post('1') + post('2').slice(0, -1));
    const { exchange } = await acceptor.request(0);
    const closing = endpoint.close(0);
    exchange.notify('"begun"');
    clock.advance(0);
    await closing;
    await one.closed;
    expect(one.text).toContain('data: "begun"\n\n');
  });

  it('a stream and the answers after it keep their order under load', async () => {
    const acceptor = new TestAcceptor(({ exchange, body }) => {
      if (!body.startsWith('"s')) return exchange.respond(200, body);
      exchange.notify(body);
      setImmediate(() => exchange.respond(200, body));
    });
    const { client } = await startEndpoint({ acceptor });
    const clients = await Promise.all(Array.from({ length: 8 }, () => client()));
    const bodies = Array.from({ length: 30 }, (_, index) => `"${index % 4 === 0 ? 's' : 'p'}${index}"`);
    for (const one of clients) one.send(bodies.map((body) => post(body)).join(''));
    for (const one of clients) {
      const answers = (await one.responses(bodies.length)).map(({ body }) => /"\w+"/.exec(body)?.[0]);
      expect(answers).toEqual(bodies);
    }
  });
});
