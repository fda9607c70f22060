import { describe, expect, it } from 'vitest';
import { headersOf, LIST, replicas } from './fakes.ts';

const at = (id: string, more = {}) => ({ id, url: `http://${id}.test:80/mcp`, ...more });

describe('the replicas of a target', () => {
  it('keep their connections when others come and go; those that go finish what they have', () => {
    const { target, upstream, balancer, call } = replicas({}, ['a', 'b']);
    const { sink } = call(LIST);
    const [a, b] = [upstream('a'), upstream('b')];
    target.setEndpoints([at('b'), at('c')]);
    expect([a.closed, b.closed, upstream('b') === b, balancer.ids]).toEqual([true, false, true, ['b', 'c']]);
    a.last.answer(200);
    expect(sink.heard).toEqual([['head', 200], 'ended']);
  });

  it('are others at another address, or under another name', () => {
    const { target, upstream } = replicas({}, ['a', 'b']);
    const [a, b] = [upstream('a'), upstream('b')];
    target.setEndpoints([at('a', { url: 'http://a.test:80/other' }), at('b', { host: 'b.example' })]);
    expect([a.closed, b.closed, upstream('a') === a, upstream('b') === b]).toEqual([true, true, false, false]);
  });

  it('get nothing new while they drain', () => {
    const { target, balancer, call, upstream } = replicas({}, ['a', 'b']);
    target.setEndpoints([at('a', { draining: true }), at('b')]);
    call(LIST);
    expect([balancer.drained, upstream('a').calls.length, upstream('b').calls.length]).toEqual([['a'], 0, 1]);
  });

  it('end with the target, timers included', async () => {
    const { target, upstream, clock } = replicas({}, ['a', 'b']);
    await target.close(0);
    expect([upstream('a').closed, upstream('b').closed, clock.timers]).toEqual([true, true, 0]);
  });

  it('have circuits: a replica that fails is not asked for a while', () => {
    const { call, upstream, clock, target } = replicas({ retries: false, breaker: { threshold: 2, resetMs: 1_000 } });
    for (const _ of [1, 2]) {
      call(LIST);
      upstream('a').last.fail('UPSTREAM_CONNECTION_LOST');
    }
    call(LIST);
    expect([upstream('a').calls.length, upstream('b').calls.length]).toEqual([2, 1]);
    expect(target.statistics().circuits.map(({ name, state }) => [name, state])).toEqual([
      ['a', 'open'],
      ['b', 'closed'],
    ]);
    clock.advance(1_000);
    call(LIST);
    expect(upstream('a').calls.length).toBe(3);
  });

  it.each([
    ['an error of a tool', 200, '{"result":{"isError":true}}'],
    ['a fault of the client', 400, '{}'],
  ])('have circuits that %s does not open', (_, status, body) => {
    const { call, upstream } = replicas({ breaker: { threshold: 1 } });
    call(LIST);
    upstream('a').last.answer(status, body);
    call(LIST);
    expect(upstream('a').calls.length).toBe(2);
  });

  it('have circuits that clients who leave do not open', () => {
    const { call, upstream } = replicas({ breaker: { threshold: 1 } });
    call(LIST).call.abort();
    call(LIST);
    expect(upstream('a').calls.length).toBe(2);
  });
});

describe('a probe', () => {
  const ask = (config = {}) => {
    const fake = replicas(config);
    const abort = new AbortController();
    return { ...fake, abort, probed: fake.probe('a', abort.signal) };
  };

  it.each([200, 401, 404])('is passed by status %i', async (status) => {
    const { upstream, probed } = ask();
    expect(upstream('a').last.request).toMatchObject({ method: 'POST', path: '/mcp' });
    expect(upstream('a').last.request.headerLines).toContain('Mcp-Method: server/discover\r\n');
    upstream('a').last.answer(status);
    await expect(probed).resolves.toBeUndefined();
  });

  it('is failed by a fault of the server, and by none at all', async () => {
    const faulty = ask();
    faulty.upstream('a').last.answer(503);
    await expect(faulty.probed).rejects.toThrow('503');
    const gone = ask();
    gone.upstream('a').last.fail('UPSTREAM_CONNECT_FAILED', true);
    await expect(gone.probed).rejects.toThrow();
  });

  it('asks the path that the operator names', () => {
    const { upstream } = ask({ health: { path: '/livez' } });
    expect(upstream('a').last.request).toEqual({ method: 'GET', path: '/livez', headerLines: '' });
  });

  it('ends with its time, and does not wait for the end of a stream', async () => {
    const slow = ask();
    slow.abort.abort();
    expect(slow.upstream('a').last.log).toEqual(['abort']);
    const streaming = ask();
    streaming.upstream('a').last.sink.head(200, { get: () => undefined, entries: () => [] });
    await streaming.probed;
    await Promise.resolve();
    expect(streaming.upstream('a').last.log).toEqual(['abort']);
  });

  it('is not passed, and holds no connection, by an answer that stops in the middle', async () => {
    const stuck = ask();
    let isPassed = false;
    void stuck.probed.then(() => (isPassed = true));
    stuck.upstream('a').last.sink.head(200, headersOf({ 'content-length': '100' }));
    await Promise.resolve();
    await Promise.resolve();
    expect(isPassed).toBe(false);
    stuck.abort.abort();
    expect(stuck.upstream('a').last.log).toEqual(['abort']);
  });
});
