import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../src/testing/testing.ts';
import { MetaKey } from '../../../src/wire/wire.ts';
import { eventsOf, type HttpOptions, modern, openModern } from '../support/http.ts';
import { codeOf, type Rpc } from '../support/messages.ts';
import { Peer } from '../support/peer.ts';
import { serverWith, settle, type TestServer, text } from '../support/test-server.ts';

type Config = NonNullable<Parameters<typeof serverWith>[1]>;
const ALL = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };

function sample(config: Config = {}): TestServer {
  return serverWith((server) => {
    server.registerTool('t', {}, () => text(''));
    server.registerPrompt('p', {}, () => ({ messages: [] }));
    server.registerResource('r', 'x://r', {}, () => ({ contents: [] }));
  }, config);
}

/** Opens a stream over HTTP and reads its acknowledgement. */
async function listen(server: TestServer, notifications: unknown, options: HttpOptions = {}) {
  const response = await openModern(server, 'subscriptions/listen', { notifications }, options);
  const events = eventsOf(response);
  const { value: acknowledged } = await events.next();
  const next = async (): Promise<Rpc | undefined> => (await events.next()).value as Rpc | undefined;
  return { response, events, acknowledged: acknowledged as Rpc, next };
}

const tag = (id: unknown): object => ({ _meta: { [MetaKey.subscriptionId]: id } });
const changed = (kind: string, id: unknown): object => ({
  method: `notifications/${kind}/list_changed`,
  params: tag(id),
});
const updated = (uri: string, id: unknown): object => ({
  method: 'notifications/resources/updated',
  params: { uri, ...tag(id) },
});

describe('subscriptions/listen', () => {
  it.each([1, 'text', 0])('acknowledges first, tagged with the id of its request: %j', async (id) => {
    const { response, acknowledged } = await listen(sample(), { toolsListChanged: true }, { id });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(acknowledged).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications: { toolsListChanged: true }, ...tag(id) },
    });
  });

  it.each([
    ['nothing', {}, {}],
    ['what is false', { toolsListChanged: false, promptsListChanged: true }, { promptsListChanged: true }],
    [
      'everything',
      { ...ALL, resourceSubscriptions: ['x://a', 'y://b'] },
      { ...ALL, resourceSubscriptions: ['x://a', 'y://b'] },
    ],
    ['no resources', { resourceSubscriptions: [] }, {}],
    ['what nobody knows', { ownChanged: true }, {}],
  ])('says which part of the filter it honours: %s', async (_what, filter, honoured) => {
    const { acknowledged } = await listen(sample(), filter);
    expect(acknowledged.params?.notifications).toEqual(honoured);
  });

  it('honours nothing that the server does not have', async () => {
    const server = serverWith((each) => each.registerTool('t', {}, () => text('')));
    const { acknowledged } = await listen(server, { ...ALL, resourceSubscriptions: ['x://a'] });
    expect(acknowledged.params?.notifications).toEqual({ toolsListChanged: true });
  });

  it('ends few streams at once when the server stops, and many over some time', async () => {
    for (const [count, lastMs] of [
      [16, 0],
      [200, 400],
    ] as const) {
      const clock = new FakeClock();
      const server = sample({ clock });
      const streams = await Promise.all(Array.from({ length: count }, () => listen(server, ALL)));
      let ended = 0;
      for (const { next } of streams) void next().then(() => ended++);
      await server.stop();
      await settle();
      if (lastMs === 0) expect(ended).toBe(count);
      else expect(ended).toBeLessThan(count);
      clock.advance(lastMs);
      await settle();
      expect(ended).toBe(count);
    }
  });

  it('tells of changes to the end, streams that end later than others too', async () => {
    const clock = new FakeClock();
    const server = sample({ clock });
    const streams = await Promise.all(Array.from({ length: 200 }, () => listen(server, ALL)));
    await server.stop();
    server.sendToolListChanged();
    clock.advance(400);
    const told = await Promise.all(streams.map(({ next }) => next()));
    expect(told.filter((message) => message?.method !== undefined).length).toBeGreaterThan(100);
  });

  it.each([
    ['no filter', undefined],
    ['null', null],
    ['a list', []],
    ['text for a switch', { toolsListChanged: 'yes' }],
    ['1 for a switch', { promptsListChanged: 1 }],
    ['text for resources', { resourceSubscriptions: 'x://r' }],
    ['resources that are no text', { resourceSubscriptions: [5] }],
    ['too many resources', { resourceSubscriptions: Array(1_001).fill('x://r') }],
  ])('answers -32602 for %s', async (_what, notifications) => {
    expect(await modern(sample(), 'subscriptions/listen', { notifications })).toMatchObject({
      status: 200,
      error: { code: -32602 },
    });
  });

  it('needs a client that accepts a stream', async () => {
    const headers = { Accept: 'application/json' };
    const reply = await modern(sample(), 'subscriptions/listen', { notifications: {} }, { headers });
    expect(codeOf(reply)).toBeDefined();
  });

  it('tells of what was asked for, tagged, and of nothing else', async () => {
    const server = sample();
    const tools = await listen(server, { toolsListChanged: true }, { id: 'tools' });
    const prompts = await listen(server, { promptsListChanged: true }, { id: 'prompts' });
    const one = await listen(server, { resourceSubscriptions: ['x://r'] }, { id: 'one' });
    server.registerTool('new', {}, () => text(''));
    server.registerPrompt('new', {}, () => ({ messages: [] }));
    server.registerResource('new', 'x://new', {}, () => ({ contents: [] }));
    server.sendResourceUpdated({ uri: 'x://other' });
    server.sendResourceUpdated({ uri: 'x://r' });
    await settle();
    await server.stop();
    expect(await tools.next()).toMatchObject(changed('tools', 'tools'));
    expect(await tools.next()).toMatchObject({ id: 'tools', result: {} });
    expect(await prompts.next()).toMatchObject(changed('prompts', 'prompts'));
    expect(await prompts.next()).toMatchObject({ id: 'prompts', result: {} });
    expect(await one.next()).toEqual({ jsonrpc: '2.0', ...updated('x://r', 'one') });
    expect(await one.next()).toMatchObject({ id: 'one', result: {} });
  });

  it('joins changes that follow each other at once, and tells of later ones again', async () => {
    const server = sample();
    const { next } = await listen(server, ALL, { id: 1 });
    const handles = Array.from({ length: 50 }, (_, index) => server.registerTool(`n${index}`, {}, () => text('')));
    expect(await next()).toMatchObject(changed('tools', 1));
    for (const handle of handles) handle.remove();
    expect(await next()).toMatchObject(changed('tools', 1));
    server.sendPromptListChanged();
    expect(await next()).toMatchObject(changed('prompts', 1));
    server.sendResourceListChanged();
    expect(await next()).toMatchObject(changed('resources', 1));
  });

  it('shows the change that it tells of: the list is new when the notification comes', async () => {
    const server = sample();
    await modern(server, 'tools/list');
    const { next } = await listen(server, ALL);
    server.registerTool('new', {}, () => text(''));
    await next();
    expect((await modern(server, 'tools/list')).result?.tools).toHaveLength(2);
  });

  it('is closed with an empty, complete result when the server stops, and the stream ends', async () => {
    const server = sample();
    const { events } = await listen(server, ALL, { id: 'x' });
    await server.stop();
    const { value } = await events.next();
    expect(value).toEqual({
      jsonrpc: '2.0',
      id: 'x',
      result: {
        resultType: 'complete',
        _meta: { [MetaKey.subscriptionId]: 'x', [MetaKey.serverInfo]: expect.anything() },
      },
    });
    expect((await events.next()).done).toBe(true);
    expect(await modern(server, 'subscriptions/listen', { notifications: ALL })).toMatchObject({
      status: 503,
      error: { code: -32010 },
    });
  });

  it('is bounded in number; each client that leaves makes room', async () => {
    const server = sample({ limits: { maxSubscriptions: 2 } });
    const first = await listen(server, ALL);
    await listen(server, ALL);
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(await modern(server, 'subscriptions/listen', { notifications: ALL })).toMatchObject({
        status: 503,
        error: { code: -32010 },
      });
    }
    await first.events.return();
    await settle();
    await listen(server, ALL);
    expect(codeOf(await modern(server, 'subscriptions/listen', { notifications: ALL }))).toBe(-32010);
  });

  it.each([
    [
      'its signal',
      async (server: TestServer) => {
        const controller = new AbortController();
        await listen(server, ALL, { signal: controller.signal });
        controller.abort();
      },
    ],
    [
      'its signal, before it was served',
      async (server: TestServer) => {
        await openModern(server, 'subscriptions/listen', { notifications: ALL }, { signal: AbortSignal.abort() }).catch(
          () => {},
        );
      },
    ],
    [
      'the stream',
      async (server: TestServer) => {
        const { response, events } = await listen(server, ALL);
        await events.return();
        await response.body?.cancel().catch(() => {});
      },
    ],
    [
      'a notification',
      async (server: TestServer) => {
        const peer = await Peer.to(server);
        void peer.modern('subscriptions/listen', { notifications: ALL }, { id: 'l' });
        peer.notify('notifications/cancelled', { requestId: 'l' });
      },
    ],
    [
      'its connection',
      async (server: TestServer) => {
        const peer = await Peer.to(server);
        void peer.modern('subscriptions/listen', { notifications: ALL }, { id: 'l' });
        peer.close();
      },
    ],
  ])('is forgotten when the client ends it by %s', async (_what, openAndEnd) => {
    const server = sample({ limits: { maxSubscriptions: 1 } });
    for (let round = 0; round < 3; round++) {
      await openAndEnd(server);
      await settle();
    }
    server.sendToolListChanged();
    const { acknowledged } = await listen(server, ALL);
    expect(acknowledged.params?.notifications).toEqual(ALL);
  });
});

describe('subscriptions/listen on a connection', () => {
  it('may be open several times, told apart by their tags', async () => {
    const server = sample();
    const peer = await Peer.to(server);
    void peer.modern('subscriptions/listen', { notifications: { toolsListChanged: true } }, { id: 'a' });
    void peer.modern('subscriptions/listen', { notifications: { resourceSubscriptions: ['x://r'] } }, { id: 'b' });
    server.sendToolListChanged();
    server.sendResourceUpdated({ uri: 'x://r' });
    expect(peer.messages.slice(2)).toEqual([
      { jsonrpc: '2.0', ...changed('tools', 'a') },
      { jsonrpc: '2.0', ...updated('x://r', 'b') },
    ]);
    await server.stop();
    expect(peer.messages.slice(4)).toMatchObject([
      { id: 'a', result: { resultType: 'complete' } },
      { id: 'b', result: {} },
    ]);
  });

  it('ends by cancellation: nothing follows, and its id is free', async () => {
    const server = sample();
    const peer = await Peer.to(server);
    for (let round = 0; round < 3; round++) {
      const before = peer.messages.length;
      void peer.modern('subscriptions/listen', { notifications: ALL }, { id: 'l' });
      expect(peer.messages.slice(before)).toMatchObject([{ method: 'notifications/subscriptions/acknowledged' }]);
      peer.notify('notifications/cancelled', { requestId: 'l' });
      server.sendToolListChanged();
      expect(peer.messages).toHaveLength(before + 1);
    }
  });

  it('is no business of the legacy era', async () => {
    const peer = await Peer.legacy(sample());
    expect(codeOf(await peer.legacy('subscriptions/listen', { notifications: ALL }))).toBe(-32601);
  });
});
