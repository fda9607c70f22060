import { describe, expect, it, onTestFinished, vi } from 'vitest';
import * as z from 'zod';
import type { ToolConfig } from '../../../src/registry/registry.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { RawClient } from '../../transport/raw-client.ts';
import { modernFields } from '../support/http.ts';
import { legacyRequest, modernRequest, type Rpc, textOf } from '../support/messages.ts';
import { serverWith, text } from '../support/test-server.ts';
import { READ_ONLY } from './cached-tool.ts';

type Fields = Readonly<Record<string, string>>;
const PARSED = 'the arguments of this call';

/** A connection that repeats its header block, to a server with the tools `find` and `other`, whose runs are counted. */
async function connection(config: ToolConfig = {}, era: 'modern' | 'legacy' = 'modern') {
  const clock = new FakeClock();
  const runs: unknown[] = [];
  const checks: unknown[] = [];
  const inputSchema = z.looseObject({}).refine((args) => checks.push(args) > 0);
  const whole = { ...READ_ONLY, cache: { ttlSeconds: 60 }, inputSchema, ...config } as ToolConfig;
  const handler = (args: unknown) => text(`run ${runs.push(args)}`);
  const server = serverWith(() => {}, { clock, http: { port: 0 }, handleSignals: false });
  const tool = server.registerTool('find', whole, handler as never);
  const { url } = await server.start();
  const open = async () => {
    const client = await RawClient.open(Number(new URL(url as string).port));
    clients.push(client);
    return client;
  };
  const clients: RawClient[] = [];
  let client = await open();
  onTestFinished(async () => {
    for (const each of clients) each.break();
    await server.stop();
  });
  let lastId = 0;
  /** Calls with the arguments written as given. */
  const call = async (
    written: string,
    more: { fields?: Fields; meta?: Record<string, unknown> } = {},
  ): Promise<Rpc> => {
    const params = { name: 'find', arguments: 'ARGUMENTS' };
    const id = ++lastId;
    const message =
      era === 'modern'
        ? modernRequest('tools/call', params, { id, ...(more.meta ? { meta: more.meta } : {}) })
        : legacyRequest('tools/call', { ...params, ...(more.meta ? { _meta: more.meta } : {}) }, id);
    const body = JSON.stringify(message).replace('"ARGUMENTS"', () => written);
    const fields = {
      Host: '127.0.0.1',
      'Content-Type': 'application/json',
      'Content-Length': String(Buffer.byteLength(body)),
      ...(era === 'modern' ? modernFields('tools/call', params) : { 'MCP-Protocol-Version': '2025-11-25' }),
      ...more.fields,
    };
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    const response = await client.ask(`POST /mcp HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
    const reply = JSON.parse(response.body) as Rpc;
    if (reply.result !== undefined) expect(reply.id).toBe(id);
    return reply;
  };
  /** Makes the connection's frame known, so that a call differs from the ones before in its id and arguments alone. */
  const warmUp = async (more: Parameters<typeof call>[1] = {}) => {
    for (const step of [1, 2, 3]) await call(`{"step":${step}}`, more);
    for (const seen of [runs, checks]) seen.length = 0;
  };
  const reconnect = async () => {
    client = await open();
  };
  return { server, tool, clock, runs, checks, call, warmUp, reconnect };
}

/** How often arguments with the marker were parsed while something ran. */
async function parsedDuring(run: () => Promise<unknown>): Promise<number> {
  const parse = vi.spyOn(JSON, 'parse');
  try {
    await run();
    return parse.mock.calls.filter(([given]) => String(given).includes(PARSED)).length;
  } finally {
    parse.mockRestore();
  }
}

describe.each(['modern', 'legacy'] as const)('a repeated call on one connection, %s', (era) => {
  const written = `{"q":"${PARSED}","n":1}`;

  it('is answered without its arguments being parsed or checked, and without its handler', async () => {
    const { server, call, warmUp, runs, checks } = await connection({}, era);
    await warmUp();
    const first = await call(written);
    expect([runs.length, checks.length]).toEqual([1, 1]);
    const requests: unknown[] = [];
    server.signals.request.on(({ method, target, outcome }) => requests.push([method, target, outcome]));
    const before = server.cache.statistics().memoryHits;
    expect(await parsedDuring(async () => expect((await call(written)).result).toEqual(first.result))).toBe(0);
    expect([runs.length, checks.length]).toEqual([1, 1]);
    expect(requests).toEqual([['tools/call', 'find', 'ok']]);
    expect(server.cache.statistics().memoryHits).toBe(before + 1);
  });

  it('that is written in another way is found after its check, and then as it was written', async () => {
    const { call, warmUp, runs, checks } = await connection({}, era);
    await warmUp();
    await call(written);
    const other = `{ "n":1.0, "q":"${PARSED}" }`;
    expect(await parsedDuring(() => call(other))).toBe(1);
    expect([runs.length, checks.length]).toEqual([1, 2]);
    expect(await parsedDuring(() => call(other))).toBe(0);
    expect([runs.length, checks.length]).toEqual([1, 2]);
  });

  it('that was made elsewhere is found after its check, and then as it was written', async () => {
    const { call, warmUp, runs, checks, reconnect } = await connection({}, era);
    await call(written); // Parsed whole: how its arguments were written is not known.
    await warmUp();
    expect(textOf(await call(written))).toBe('run 1');
    expect([runs.length, checks.length]).toEqual([0, 1]);
    await reconnect();
    await warmUp();
    expect(await parsedDuring(() => call(written))).toBe(0);
  });

  it('is no hit once its answer is too old, invalidated, or its tool another one', async () => {
    const { server, tool, clock, call, warmUp } = await connection({ cache: { ttlSeconds: 60, tags: ['t'] } }, era);
    await warmUp();
    const ask = async () => textOf(await call(written));
    expect([await ask(), await ask()]).toEqual(['run 1', 'run 1']);
    clock.advance(60_000);
    expect([await ask(), await ask()]).toEqual(['run 2', 'run 2']);
    await server.cache.invalidate({ tags: ['t'] });
    expect([await ask(), await ask()]).toEqual(['run 3', 'run 3']);
    tool.update({ callback: () => text('another') });
    expect([await ask(), await ask()]).toEqual(['another', 'another']);
    tool.disable();
    expect((await call(written)).error).toMatchObject({ code: -32602 });
    tool.enable();
    expect(await ask()).toBe('another');
    tool.remove();
    expect((await call(written)).error).toMatchObject({ code: -32602 });
    server.registerTool('find', { ...READ_ONLY, cache: {} }, () => text('in its place'));
    expect(await ask()).toBe('in its place');
  });

  it('with arguments that are none is refused, whatever is kept', async () => {
    const { call, warmUp, runs } = await connection({}, era);
    await warmUp();
    await call(written);
    for (const odd of [`${written}}`, '[1]', '"a"', 'null', '{"a":}'])
      expect((await call(odd)).error?.code).toEqual(expect.any(Number));
    expect(runs).toHaveLength(1);
  });

  it('with arguments that go on in the call is another call', async () => {
    const { call, warmUp, runs } = await connection({}, era);
    await warmUp();
    await call(written);
    expect(textOf(await call(`{"q":"x"},"arguments":${written}`))).toBe('run 1');
    expect(textOf(await call(`${written},"arguments":{"q":"x"}`))).toBe('run 2');
    const injected = `${written},"requestState":"made up"`;
    expect((await call(injected)).error).toMatchObject({ code: -32602 });
    expect(runs).toHaveLength(2);
  });
});

describe('a check that stands before the handler', () => {
  it('is made on repeated calls too: mapped headers', async () => {
    const inputSchema = { type: 'object', properties: { city: { type: 'string', 'x-mcp-header': 'City' } } };
    const { call, runs } = await connection({ inputSchema });
    const fields = { 'Mcp-Param-City': 'Oslo' };
    for (const _ of [1, 2, 3, 4]) expect(textOf(await call('{"city":"Oslo"}', { fields }))).toBe('run 1');
    expect((await call('{"city":"Rome"}', { fields })).error?.code).toBe(-32020);
    for (const _ of [1, 2, 3]) expect((await call('{"city":"Oslo"}')).error?.code).toBe(-32020);
    expect(runs).toHaveLength(1);
  });

  it('is made on repeated calls too: a progress token that is none, in the legacy revisions', async () => {
    const { call, warmUp, reconnect } = await connection({}, 'legacy');
    const meta = { progressToken: { no: 'token' } };
    await warmUp();
    for (const _ of [1, 2]) expect(textOf(await call('{"q":1}'))).toBe('run 1');
    await reconnect();
    await warmUp({ meta });
    for (const _ of [1, 2, 3]) expect((await call('{"q":1}', { meta })).error?.code).toBe(-32602);
  });

  it('keeps what a schema refuses from being known', async () => {
    const { call, warmUp, runs } = await connection({ inputSchema: z.object({ n: z.number() }) });
    await warmUp();
    for (const _ of [1, 2, 3]) expect((await call('{"n":"x"}')).result).toMatchObject({ isError: true });
    expect(runs).toHaveLength(0);
  });
});

it('gives nobody with credentials that nothing checks the private answer of another', async () => {
  const { call, warmUp, runs } = await connection();
  await warmUp();
  for (const _ of [1, 2]) expect(textOf(await call('{"q":1}'))).toBe('run 1');
  const fields = { Authorization: 'Bearer a' };
  await warmUp({ fields });
  const own = [await call('{"q":1}', { fields }), await call('{"q":1}', { fields })];
  expect(own.map(textOf)).toEqual(['run 1', 'run 2'].map((run) => expect.stringContaining(run)));
  expect(runs).toHaveLength(2);
});
