import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../src/testing/testing.ts';
import { SessionClient } from '../support/session-client.ts';
import { type Gate, gate, serverWith, settle, type TestServer, text } from '../support/test-server.ts';

type Config = NonNullable<Parameters<typeof serverWith>[1]>;

/** A server whose tool `walk` says something at each step that a test lets it make. */
function walking(sessions: Config['sessions'] = true, config: Config = {}) {
  const steps: Gate[] = [];
  const signals: AbortSignal[] = [];
  const server = serverWith(
    (each) => {
      each.registerTool('walk', { inputSchema: { type: 'object' } }, async (args, { mcpReq }) => {
        signals.push(mcpReq.signal);
        await mcpReq.log('info', 'begins');
        for (let step = 0; step < Number((args as { steps?: number }).steps ?? 1); step++) {
          const next = gate();
          steps.push(next);
          await next.opened;
          await mcpReq.log('info', step);
        }
        return text('arrived');
      });
      each.registerTool('poll', {}, async ({ http }) => {
        http?.closeSSE?.();
        const next = gate();
        steps.push(next);
        await next.opened;
        return text('polled');
      });
      each.registerResource('r', 'x://r', {}, () => ({ contents: [{ uri: 'x://r', text: '' }] }));
    },
    { sessions, ...config },
  );
  const step = async (): Promise<void> => {
    await settle();
    steps.shift()?.open();
    await settle();
  };
  return { server, step, signals };
}

const said = (messages: readonly { readonly params?: Record<string, unknown>; readonly result?: unknown }[]) =>
  messages.map(({ params, result }) => params?.['data'] ?? (result === undefined ? 'other' : 'result'));

describe("the stream of a request's answer in a session", () => {
  it('begins with an event that says where to resume and when, and numbers each one', async () => {
    const { server, step } = walking();
    const client = await SessionClient.open(server);
    const stream = await client.stream('walk');
    await step();
    const first = await stream.next();
    expect(first).toEqual({ id: expect.stringMatching(/^\w+_1$/), message: undefined });
    expect(stream.retryMs).toBe(1_000);
    const ids = [(await stream.next())?.id, (await stream.next())?.id, (await stream.next())?.id];
    expect(ids).toEqual([2, 3, 4].map((n) => first?.id?.replace(/1$/, String(n))));
    expect(await stream.next()).toBeUndefined();
  });

  it('has no event without data in revisions that do not know them', async () => {
    const { server } = walking();
    const client = await SessionClient.open(server, { version: '2025-06-18' });
    const stream = await client.stream('walk', { steps: 0 });
    expect(await stream.next()).toMatchObject({
      id: expect.stringMatching(/_2$/),
      message: { params: { data: 'begins' } },
    });
  });

  it('is a plain answer where nothing is said before', async () => {
    const client = await SessionClient.open(walking().server);
    expect((await client.request('tools/list')).headers.get('content-type')).toBe('application/json');
  });

  it('goes on without its client, which gets the rest later, and never twice', async () => {
    const { server, step, signals } = walking();
    const client = await SessionClient.open(server);
    const stream = await client.stream('walk', { steps: 3 });
    await step();
    expect(said([await stream.message(), await stream.message()] as never)).toEqual(['begins', 0]);
    await stream.leave();
    await step();
    expect(signals[0]?.aborted).toBe(false);
    const again = await client.listen({ 'Last-Event-ID': stream.lastId as string });
    expect(said([await again.message()] as never)).toEqual([1]);
    await step();
    expect(said(await again.rest())).toEqual([2, 'result']);
    for (const from of [1, 2, 3]) {
      const id = (stream.lastId as string).replace(/\d+$/, String(from));
      const replayed = await client.listen({ 'Last-Event-ID': id });
      expect(said(await replayed.rest())).toEqual(['begins', 0, 1, 2, 'result'].slice(from - 1));
    }
  });

  it('is taken over by a client that comes back before it was missed', async () => {
    const { server, step } = walking();
    const client = await SessionClient.open(server);
    const stream = await client.stream('walk', { steps: 1 });
    expect(said([await stream.message()] as never)).toEqual(['begins']);
    const second = await client.listen({ 'Last-Event-ID': stream.lastId as string });
    const third = await client.listen({ 'Last-Event-ID': stream.lastId as string });
    await step();
    expect(await stream.next()).toBeUndefined();
    expect(said(await second.rest())).toEqual([]);
    expect(said(await third.rest())).toEqual([0, 'result']);
  });

  it('is ended by the server that wants its client to come back for the rest', async () => {
    const { server, step } = walking();
    const client = await SessionClient.open(server);
    const stream = await client.stream('poll');
    expect(await stream.rest()).toEqual([]);
    const again = await client.listen({ 'Last-Event-ID': stream.lastId as string });
    await step();
    expect(said(await again.rest())).toEqual(['result']);
  });

  it('cannot be resumed by what is none of its events, nor by another session or principal', async () => {
    const { server } = walking();
    const [client, other] = [await SessionClient.open(server), await SessionClient.open(server)];
    const stream = await client.stream('walk', { steps: 0 });
    await stream.rest();
    const id = stream.lastId as string;
    for (const wrong of [
      ' ',
      'x',
      '1',
      '_',
      `${id}0`,
      `${id}x`,
      id.replace(/\d+$/, '0'),
      'get_1',
      `${'a'.repeat(24)}_1`,
    ])
      expect((await client.get({ 'Last-Event-ID': wrong })).status).toBe(400);
    expect((await other.get({ 'Last-Event-ID': id })).status).toBe(400);
    expect((await client.get({ 'Last-Event-ID': id, Authorization: 'Bearer x' })).status).toBe(404);
  });

  it('can be resumed for as long, and as far back, as the options say', async () => {
    const clock = new FakeClock();
    const { server } = walking({ mode: true, eventTtlSeconds: 10, maxEvents: 2 }, { clock });
    const client = await SessionClient.open(server);
    const stream = await client.stream('walk', { steps: 0 });
    await stream.rest();
    const at = (number: number) => ({ 'Last-Event-ID': (stream.lastId as string).replace(/\d+$/, String(number)) });
    expect(said(await (await client.listen(at(1))).rest())).toEqual(['begins', 'result']);
    clock.advance(10_001);
    expect((await client.get(at(1))).status).toBe(400);
  });

  it('cannot be resumed where some of what followed had to make room', async () => {
    const { server, step } = walking({ mode: true, maxEvents: 2 });
    const client = await SessionClient.open(server);
    const stream = await client.stream('walk', { steps: 1 });
    await step();
    await stream.rest();
    const at = (number: number) => ({ 'Last-Event-ID': (stream.lastId as string).replace(/\d+$/, String(number)) });
    expect((await client.get(at(1))).status).toBe(400);
    expect(said(await (await client.listen(at(2))).rest())).toEqual([0, 'result']);
  });

  it('ends when its client cancels the request', async () => {
    const { server, signals } = walking();
    const client = await SessionClient.open(server);
    const stream = await client.stream('walk', {}, 'my-call');
    await stream.message();
    await client.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'my-call' } });
    expect(signals[0]?.aborted).toBe(true);
    expect(await stream.rest()).toEqual([]);
  });

  it('ends with its session', async () => {
    const { server, signals } = walking();
    const client = await SessionClient.open(server);
    const stream = await client.stream('walk');
    await stream.message();
    expect((await client.delete()).status).toBe(200);
    expect(await stream.rest()).toEqual([]);
    expect(signals[0]?.aborted).toBe(true);
  });
});

describe('the GET stream of a session', () => {
  it('tells of changed lists, and of the resources that it watches', async () => {
    const { server } = walking();
    const [client, other] = [await SessionClient.open(server), await SessionClient.open(server)];
    const streams = [await client.listen(), await other.listen()] as const;
    await client.request('resources/subscribe', { uri: 'x://r' });
    server.sendResourceUpdated({ uri: 'x://r' });
    server.sendResourceUpdated({ uri: 'x://other' });
    await client.request('resources/unsubscribe', { uri: 'x://r' });
    server.sendResourceUpdated({ uri: 'x://r' });
    server.sendToolListChanged();
    expect([await streams[0].message(), await streams[0].message()]).toMatchObject([
      { method: 'notifications/resources/updated', params: { uri: 'x://r' } },
      { method: 'notifications/tools/list_changed' },
    ]);
    expect(await streams[1].message()).toMatchObject({ method: 'notifications/tools/list_changed' });
  });

  it('is one: a second is refused with 409 until the first has gone', async () => {
    const client = await SessionClient.open(walking().server);
    const first = await client.listen();
    await first.next();
    expect((await client.get()).status).toBe(409);
    await first.leave();
    await settle();
    expect((await client.get()).status).toBe(200);
  });

  it('can be resumed: what happened meanwhile is told, what was told is not told again', async () => {
    const { server } = walking();
    const client = await SessionClient.open(server);
    const first = await client.listen();
    server.sendToolListChanged();
    expect(await first.message()).toMatchObject({ method: 'notifications/tools/list_changed' });
    await first.leave();
    server.sendPromptListChanged();
    const second = await client.listen({ 'Last-Event-ID': first.lastId as string });
    server.sendResourceListChanged();
    expect([await second.message(), await second.message()]).toMatchObject([
      { method: 'notifications/prompts/list_changed' },
      { method: 'notifications/resources/list_changed' },
    ]);
    expect((await client.get()).status).toBe(409);
  });

  it('keeps its session alive, and outlives its client only for a while', async () => {
    const clock = new FakeClock();
    const { server } = walking({ mode: true, idleTimeoutSeconds: 60, eventTtlSeconds: 60 }, { clock });
    const client = await SessionClient.open(server);
    const stream = await client.listen();
    const advance = async (seconds: number): Promise<void> => {
      for (let ten = 0; ten < seconds / 10; ten++) {
        clock.advance(10_000);
        await settle(2);
      }
    };
    await advance(600);
    expect((await client.request('ping')).status).toBe(200);
    await stream.leave();
    await advance(200);
    expect((await client.request('ping')).status).toBe(404);
  });

  it('ends with its session', async () => {
    const client = await SessionClient.open(walking().server);
    const stream = await client.listen();
    await client.delete();
    expect(await stream.rest()).toEqual([]);
  });

  it('ends when the server stops', async () => {
    const { server }: { server: TestServer } = walking();
    const client = await SessionClient.open(server);
    const stream = await client.listen();
    await stream.next();
    await server.stop();
    expect(await stream.rest()).toEqual([]);
  });
});
