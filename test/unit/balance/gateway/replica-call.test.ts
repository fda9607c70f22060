import { describe, expect, it } from 'vitest';
import { BUY, LIST, replicas, SHED } from './fakes.ts';

const OK = [['head', 200], 'ended'];

describe('a call to replicas', () => {
  it('is sent as it came and answered as the backend answers', () => {
    const { call, upstream, balancer } = replicas();
    const { sink } = call(BUY);
    expect(upstream('a').last.request).toEqual({
      method: 'POST',
      path: '/mcp',
      headerLines: BUY.headerLines,
      body: BUY.body,
    });
    upstream('a').last.answer(200, '{"a":1}');
    expect([sink.heard, sink.body, balancer.settled]).toEqual([OK, '{"a":1}', [['a', 'success']]]);
  });

  it('is told to whoever pauses, resumes or aborts it', () => {
    const { call, upstream, balancer } = replicas();
    const made = call(BUY);
    upstream('a').last.sink.head(200, { get: () => undefined, entries: () => [] });
    made.call.pause();
    made.call.resume();
    made.call.abort();
    expect(upstream('a').last.log).toEqual(['pause', 'resume', 'abort']);
    expect([made.sink.heard, balancer.settled]).toEqual([[['head', 200]], [['a', 'unknown']]]);
  });

  it('reads the load that a backend reports', () => {
    const { call, upstream, balancer } = replicas();
    call();
    upstream('a').last.answer(200, '{}', { 'peregrine-load': 'cpu=0.42, memory=0.31' });
    expect(balancer.reports).toEqual([['a', { cpu: 0.42, memory: 0.31 }]]);
  });

  it('fails at once without a backend', () => {
    const { call } = replicas({}, []);
    expect(call().sink.heard).toEqual([['failed', 'unavailable']]);
  });
});

describe('a second attempt', () => {
  it.each(['UPSTREAM_CONNECTION_LOST', 'UPSTREAM_TIMEOUT', 'UPSTREAM_BAD_ANSWER'] as const)(
    'is made for a safe call after %s, at another backend, and says so',
    (code) => {
      const { call, upstream, balancer, target } = replicas();
      const { sink } = call(LIST);
      upstream('a').last.fail(code);
      expect(upstream('b').last.request.headerLines).toBe(`${LIST.headerLines}Peregrine-Attempt: 2\r\n`);
      upstream('b').last.answer(200);
      expect([sink.heard, balancer.settled]).toEqual([
        OK,
        [
          ['a', 'failure'],
          ['b', 'success'],
        ],
      ]);
      expect(target.statistics()).toMatchObject({ calls: 1, retries: 1 });
    },
  );

  it('leaves the mark of a client that tries again itself', () => {
    const { call, upstream } = replicas();
    const headerLines = `peregrine-attempt: 3\r\n${LIST.headerLines}`;
    call({ ...LIST, headerLines });
    upstream('a').last.fail('UPSTREAM_CONNECTION_LOST');
    expect(upstream('b').last.request.headerLines).toBe(headerLines);
  });

  it.each(['UPSTREAM_UNAVAILABLE', 'UPSTREAM_CLOSED'] as const)('is made after %s, which is no failure', (code) => {
    const { call, upstream, balancer } = replicas();
    const { sink } = call(BUY);
    upstream('a').last.fail(code, true);
    upstream('b').last.fail(code, true);
    expect([sink.heard, balancer.settled]).toEqual([
      [['failed', 'overloaded']],
      [
        ['a', 'unknown'],
        ['b', 'unknown'],
      ],
    ]);
  });

  it('is not made for an unsafe call that may have been executed', () => {
    const { call, upstream } = replicas();
    const { sink } = call(BUY);
    upstream('a').last.fail('UPSTREAM_CONNECTION_LOST');
    expect(sink.heard).toEqual([['failed', 'lost']]);
    expect(upstream('b').calls).toEqual([]);
  });

  it('is made for an unsafe call of which nothing was sent', () => {
    const { call, upstream } = replicas();
    const { sink } = call(BUY);
    upstream('a').last.fail('UPSTREAM_CONNECT_FAILED', true);
    upstream('b').last.answer(200);
    expect(sink.heard).toEqual(OK);
  });

  it('is made for an unsafe call that was refused before it ran, which is no failure', () => {
    const { call, upstream, balancer } = replicas();
    const { sink } = call(BUY);
    upstream('a').last.answer(503, SHED, { 'retry-after': '1' });
    upstream('b').last.answer(200);
    expect(sink.heard).toEqual(OK);
    expect(balancer.settled).toEqual([
      ['a', 'unknown'],
      ['b', 'success'],
    ]);
  });

  it.each([
    ['another error', '{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"?"}}'],
    ['no JSON', 'Service Unavailable'],
  ])('is not made for an unsafe call after a 503 with %s, which is passed on', (_, body) => {
    const { call, upstream, balancer } = replicas();
    const { sink } = call(BUY);
    upstream('a').last.answer(503, body);
    expect([sink.heard, sink.body]).toEqual([[['head', 503], 'ended'], body]);
    expect(balancer.settled).toEqual([['a', 'failure']]);
  });

  it.each([502, 503, 504])('is made for a safe call after status %i', (status) => {
    const { call, upstream } = replicas();
    const { sink } = call(LIST);
    upstream('a').last.answer(status, 'broken');
    upstream('b').last.answer(200);
    expect(sink.heard).toEqual(OK);
  });

  it.each([200, 400, 404, 500])('is never made after status %i', (status) => {
    const { call, upstream } = replicas();
    const { sink } = call(LIST);
    upstream('a').last.answer(status);
    expect(sink.heard).toEqual([['head', status], 'ended']);
    expect(upstream('b').calls).toEqual([]);
  });

  it('is never made once the answer has begun', () => {
    const { call, upstream } = replicas();
    const { sink } = call(LIST);
    upstream('a').last.sink.head(200, { get: () => undefined, entries: () => [] });
    upstream('a').last.fail('UPSTREAM_CONNECTION_LOST');
    expect(sink.heard).toEqual([
      ['head', 200],
      ['failed', 'lost'],
    ]);
    expect(upstream('b').calls).toEqual([]);
  });

  it('is the last one, and its answer the one that counts', () => {
    const { call, upstream } = replicas({}, ['a', 'b', 'c']);
    const { sink } = call(LIST);
    upstream('a').last.fail('UPSTREAM_CONNECTION_LOST');
    upstream('b').last.answer(503, SHED, { 'retry-after': '7' });
    expect([sink.heard, sink.body]).toEqual([[['head', 503], 'ended'], SHED]);
    expect(upstream('c').calls).toEqual([]);
  });

  it('needs another backend: otherwise the first answer is the answer', () => {
    const { call, upstream, balancer } = replicas({}, ['a']);
    const { sink } = call(LIST);
    upstream('a').last.answer(503, SHED);
    expect([sink.heard, sink.body]).toEqual([[['head', 503], 'ended'], SHED]);
    expect(balancer.settled).toEqual([['a', 'unknown']]);
  });

  it('is not begun after the deadline', () => {
    const { call, upstream, clock } = replicas({ retries: { deadlineMs: 5_000 } });
    const { sink } = call(LIST);
    clock.advance(5_000);
    upstream('a').last.fail('UPSTREAM_CONNECTION_LOST');
    expect(sink.heard).toEqual([['failed', 'lost']]);
  });

  it('takes from a budget', () => {
    const { call, upstream } = replicas({ retries: { share: 0.5, perSecond: 0 } });
    const sinks = [1, 2, 3, 4].map(() => call(LIST).sink);
    for (const one of upstream('a').calls) one.fail('UPSTREAM_CONNECTION_LOST');
    expect(upstream('b').calls.length).toBe(2);
    expect(sinks.filter(({ heard }) => heard.length > 0).length).toBe(2);
  });

  it('is not made at all where retries are off', () => {
    const { call, upstream } = replicas({ retries: false });
    const { sink } = call(LIST);
    upstream('a').last.fail('UPSTREAM_CONNECT_FAILED', true);
    expect(sink.heard).toEqual([['failed', 'unavailable']]);
  });

  it('is made for tools that the operator marks', () => {
    const { call, upstream } = replicas({ safeTools: ['find_*', 'get'] });
    for (const [rpcName, isSafe] of [
      ['find_product', true],
      ['get', true],
      ['get_all', false],
      ['re_find_', false],
    ] as const) {
      const before = upstream('b').calls.length;
      call({ ...BUY, rpcName });
      upstream('a').last.fail('UPSTREAM_CONNECTION_LOST');
      expect(upstream('b').calls.length - before, rpcName).toBe(isSafe ? 1 : 0);
    }
  });
});

describe('an attempt whose answer does not begin', () => {
  it('is given up after its time, and tried again where the call is safe', () => {
    const { call, upstream, clock, balancer } = replicas();
    const { sink } = call(LIST);
    clock.advance(9_000);
    expect(upstream('b').calls).toEqual([]);
    clock.advance(1_250);
    expect(upstream('a').last.log).toEqual(['abort']);
    upstream('b').last.answer(200);
    expect([sink.heard, balancer.settled[0]]).toEqual([OK, ['a', 'failure']]);
  });

  it('fails an unsafe call', () => {
    const { call, upstream, clock } = replicas();
    const { sink } = call(BUY);
    clock.advance(10_250);
    expect(sink.heard).toEqual([['failed', 'timeout']]);
    upstream('a').last.answer(200); // Too late: it has been aborted.
    expect(sink.heard.length).toBe(1);
  });

  it.each([
    ['an unsafe call fails', BUY, false],
    ['a safe one is tried again', LIST, true],
  ])(
    'is given up as well when all that comes is the head of a refusal, which is held back: %s',
    (_, asked, isAgain) => {
      const { call, upstream, clock, balancer } = replicas();
      const { sink } = call(asked);
      upstream('a').last.sink.head(503, { get: () => '100', entries: () => [] });
      clock.advance(10_250);
      expect(upstream('a').last.log).toEqual(['abort']);
      expect(balancer.settled).toEqual([['a', 'failure']]);
      expect(sink.heard).toEqual(isAgain ? [] : [['failed', 'timeout']]);
      expect(upstream('b').calls.length).toBe(isAgain ? 1 : 0);
    },
  );

  it('has all the time it needs once the answer has begun, and streams of GET always have', () => {
    const { call, upstream, clock } = replicas();
    const begun = call(BUY);
    upstream('a').last.sink.head(200, { get: () => undefined, entries: () => [] });
    const stream = call({ method: 'GET', rpcMethod: undefined });
    clock.advance(3_600_000);
    expect([begun.sink.heard, stream.sink.heard]).toEqual([[['head', 200]], []]);
  });
});

describe('sessions', () => {
  it('go to their owner with the id that it gave, and nowhere else', () => {
    const { call, upstream, balancer } = replicas({}, ['a', 'b']);
    const opened = call({ rpcMethod: 'initialize' });
    upstream('a').last.answer(200);
    balancer.ids.reverse();
    const session = { id: 'own-id', backend: opened.sink.backend as string };
    expect(session.backend).not.toContain('a.test');
    const { sink } = call({ ...LIST, session });
    expect(upstream('a').last.request.headerLines).toBe(`${LIST.headerLines}Mcp-Session-Id: own-id\r\n`);
    upstream('a').last.fail('UPSTREAM_CONNECT_FAILED', true);
    expect(sink.heard).toEqual([['failed', 'unavailable']]);
    expect(upstream('b').calls).toEqual([]);
    expect(balancer.settled.at(-1)).toEqual(['a', 'failure']);
  });

  it('end with their owner', () => {
    const { call, upstream, target } = replicas({}, ['a', 'b']);
    const opened = call({ rpcMethod: 'initialize' });
    upstream('a').last.answer(200);
    target.setEndpoints([{ id: 'b', url: 'http://b.test:80/mcp' }]);
    const session = { id: 'x', backend: opened.sink.backend as string };
    expect(call({ ...LIST, session }).sink.heard).toEqual([['failed', 'session-gone']]);
  });
});

describe('hedging', () => {
  const warm = (fake: ReturnType<typeof replicas>): void => {
    for (let index = 0; index < 100; index++) {
      fake.call(LIST);
      fake.clock.advance(20);
      fake.upstream('a').last.answer(200);
    }
  };

  it('asks a second backend when the first takes longer than most, and ends the slower one', () => {
    const fake = replicas({ hedging: { share: 0.1 } });
    warm(fake);
    const { sink } = fake.call(LIST);
    fake.clock.advance(19);
    expect(fake.upstream('b').calls).toEqual([]);
    fake.clock.advance(2);
    fake.upstream('b').last.answer(200, '{"b":1}');
    expect([sink.heard, sink.body, fake.upstream('a').last.log]).toEqual([OK, '{"b":1}', ['abort']]);
    expect(fake.balancer.settled.slice(-2)).toEqual([
      ['a', 'unknown'],
      ['b', 'success'],
    ]);
    expect(fake.target.statistics()).toMatchObject({ hedges: 1, hedgesWon: 1, retries: 0 });
  });

  it('goes on with the other attempt where one fails', () => {
    const fake = replicas({ hedging: { share: 0.1 } });
    warm(fake);
    const { sink } = fake.call(LIST);
    fake.clock.advance(21);
    fake.upstream('b').last.fail('UPSTREAM_CONNECTION_LOST');
    expect(sink.heard).toEqual([]);
    fake.upstream('a').last.answer(200);
    expect(sink.heard).toEqual(OK);
  });

  it('keeps to its budget, to safe calls, and to what it knows', () => {
    const fake = replicas({ hedging: true });
    warm(fake);
    for (let index = 0; index < 10; index++) fake.call(LIST);
    for (let index = 0; index < 10; index++) fake.call(BUY);
    for (let index = 0; index < 10; index++) fake.call({ ...LIST, rpcMethod: 'resources/list' });
    fake.clock.advance(1_000);
    expect(fake.upstream('b').calls.length).toBe(2); // 2 % of the 120 safe calls of the last ten seconds.
  });
});
