import { describe, expect, it } from 'vitest';
import { ResponseCache, resolveResponseCache } from '../../../../src/balance/gateway/response-cache.ts';
import { FakeClock } from '../../../../src/testing/testing.ts';

const META = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
const ask = (id: unknown, method = 'tools/list', more: object = {}, meta: object = {}): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...more, _meta: { ...META, ...meta } } });
const RESULT = { resultType: 'complete', tools: [{ name: 'x' }], ttlMs: 60_000, cacheScope: 'public' };
const answer = (id: unknown, result: object = RESULT): string => JSON.stringify({ jsonrpc: '2.0', id, result });

function start(options = {}) {
  const clock = new FakeClock();
  const cache = new ResponseCache(resolveResponseCache('cache', options), clock);
  const serve = (body: string, text: string, varying = ''): string | undefined => {
    const slot = cache.slot(varying, body);
    const kept = slot && cache.get(slot);
    if (slot !== undefined && kept === undefined) cache.store(slot, text);
    return kept;
  };
  return { clock, cache, serve };
}

describe('shared answers', () => {
  it('are served again with the id of the request and the time that is left', () => {
    const { clock, serve, cache } = start();
    expect(serve(ask(1), answer(1))).toBeUndefined();
    clock.advance(20_000);
    expect(serve(ask('two'), '')).toBe(answer('two', { ...RESULT, ttlMs: 40_000 }));
    clock.advance(40_000);
    expect(serve(ask(3), answer(3))).toBeUndefined();
    expect(cache.statistics()).toMatchObject({ entries: 1, hits: 1, misses: 2 });
  });

  it('are known in the order of members that other servers write', () => {
    const { serve } = start();
    serve(ask(1), JSON.stringify({ result: RESULT, jsonrpc: '2.0', id: 1 }));
    expect(JSON.parse(serve(ask(2), '') ?? '')).toEqual({ jsonrpc: '2.0', id: 2, result: RESULT });
  });

  it('keep their bytes: numbers that JavaScript cannot hold among them', () => {
    const { serve } = start();
    const exact = answer(1).replace('"x"', '12345678901234567890');
    serve(ask(1), exact);
    expect(serve(ask(1), '')).toBe(exact);
  });

  it.each([
    ['private', { ...RESULT, cacheScope: 'private' }],
    ['without a scope', { ...RESULT, cacheScope: undefined }],
    ['without time', { ...RESULT, ttlMs: 0 }],
    ['with a time that is none', { ...RESULT, ttlMs: '60000' }],
    ['not complete', { ...RESULT, resultType: 'input_required' }],
    ['ambiguous in where their time stands', { ...RESULT, tools: [{ name: '"ttlMs":60000' }, { ttlMs: 60_000 }] }],
  ])('are not kept when they are %s', (_, result) => {
    const { serve, cache } = start();
    serve(ask(1), answer(1, result));
    expect(cache.statistics().entries).toBe(0);
  });

  it.each([
    ['an error', '{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"?"}}'],
    ['the answer to another id', answer(2)],
    ['no JSON', 'x'],
    ['of another form', ` ${answer(1)}`],
  ])('are not kept when they are %s', (_, text) => {
    const { serve, cache } = start();
    serve(ask(1), text);
    expect(cache.statistics().entries).toBe(0);
  });

  it.each([
    ['of other arguments', ask(1), ask(1, 'tools/list', { cursor: 'x' })],
    ['of another method', ask(1), ask(1, 'prompts/list')],
    ['of other capabilities', ask(1), ask(1, 'tools/list', {}, { 'io.modelcontextprotocol/clientCapabilities': {} })],
  ])('are not those %s', (_, one, other) => {
    const { serve } = start();
    serve(one, answer(1));
    expect(serve(other, answer(1))).toBeUndefined();
  });

  it('are not those under other header fields', () => {
    const { serve } = start();
    serve(ask(1), answer(1), 'X-Api-Key: a\r\n');
    expect(serve(ask(1), answer(1), 'X-Api-Key: b\r\n')).toBeUndefined();
    expect(serve(ask(1), '', 'X-Api-Key: a\r\n')).toBe(answer(1));
  });

  it('are the same for every trace', () => {
    const { serve } = start();
    serve(ask(1, 'tools/list', {}, { traceparent: '00-1-1-01' }), answer(1));
    expect(serve(ask(1, 'tools/list', {}, { traceparent: '00-2-2-01' }), '')).toBe(answer(1));
  });

  it.each([
    ['calls of tools', ask(1, 'tools/call')],
    ['requests with a progress token', ask(1, 'tools/list', {}, { progressToken: 1 })],
    ['requests without an envelope', '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'],
    ['notifications', '{"jsonrpc":"2.0","method":"tools/list","params":{"_meta":{}}}'],
    ['batches', `[${ask(1)}]`],
    ['what is no JSON', '{'],
    [
      'what is nested without end',
      ask(1).replace('"params":{', `"params":{"x":${'['.repeat(50_000)}${']'.repeat(50_000)},`),
    ],
  ])('are not there for %s', (_, body) => {
    expect(start().cache.slot('', body)).toBeUndefined();
  });

  it('are kept by the whole text where it may say more than was read from it', () => {
    const { serve } = start();
    const twice = ask(1).replace('"method"', '"method":"tools/call","method"');
    serve(twice, answer(1));
    expect(serve(ask(1), answer(1))).toBeUndefined();
    expect(serve(twice, '')).toBe(answer(1));
    expect(serve(twice.replace('"id":1', '"id":2'), answer(2))).toBeUndefined();
  });

  it('are bounded in number and bytes; those that were not used go first', () => {
    const { serve, cache } = start({ maxEntries: 2, maxBytes: 100_000 });
    for (const cursor of ['a', 'b', 'a', 'c']) serve(ask(1, 'tools/list', { cursor }), answer(1));
    expect(serve(ask(1, 'tools/list', { cursor: 'a' }), '')).toBe(answer(1));
    expect(serve(ask(1, 'tools/list', { cursor: 'b' }), '')).toBeUndefined();
    const large = { ...RESULT, tools: [{ name: 'y'.repeat(60_000) }] };
    serve(ask(1, 'tools/list', { cursor: 'd' }), answer(1, large));
    expect(cache.statistics().entries).toBe(2);
    expect(cache.statistics().bytes).toBeLessThan(100_000);
  });

  it('are forgotten when the server says that something changed, those on their way too', () => {
    const { cache, serve } = start();
    serve(ask(1), answer(1));
    const slot = cache.slot('', ask(2, 'prompts/list'));
    cache.clear();
    if (slot !== undefined) cache.store(slot, answer(2));
    expect(cache.statistics()).toMatchObject({ entries: 0, bytes: 0 });
  });

  it('are kept no longer than the operator allows', () => {
    const { serve, clock } = start({ maxTtlMs: 1_000 });
    serve(ask(1), answer(1));
    clock.advance(1_000);
    expect(serve(ask(1), answer(1))).toBeUndefined();
  });
});
