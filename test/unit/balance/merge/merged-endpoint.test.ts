import { describe, expect, it } from 'vitest';
import { MergedEndpoint, type MergedEndpointOptions } from '../../../../src/balance/balance.ts';
import { OptionError } from '../../../../src/kernel/errors.ts';
import { FakeClock } from '../../../../src/testing/testing.ts';
import { connectMemory } from '../../../../src/transport/transport.ts';
import { ENVELOPE } from '../../../balance/call-target.ts';
import { legacyServer, modernServer, type Offer, type Script, ScriptedTarget } from './scripted-target.ts';

type Message = Record<string, any>;

interface Scene {
  readonly endpoint: MergedEndpoint;
  readonly clock: FakeClock;
  readonly targets: readonly ScriptedTarget[];
  readonly log: { readonly message: string }[];
  /** What came that is no answer. */
  readonly notes: Message[];
  modern(method: string, params?: Message, meta?: Message): Promise<Message>;
  legacy(method: string, params?: Message): Promise<Message>;
  /** Says something that has no answer. */
  tell(method: string, params?: Message): void;
}

/** An endpoint in front of scripted servers named a, b, c, and a client on a connection in this process. */
function scene(scripts: readonly Script[], options: Partial<MergedEndpointOptions> = {}): Scene {
  const clock = new FakeClock();
  const log: Scene['log'] = [];
  const note = (details: object, message: string): void => void log.push({ ...details, message });
  const targets = scripts.map((script, index) => new ScriptedTarget('abc'[index] ?? '', script));
  const endpoint = new MergedEndpoint({
    name: 'merged',
    version: '1.0.0',
    servers: targets.map((target) => ({ prefix: target.name, target })),
    logger: { info: note, warn: note },
    clock,
    random: () => 1,
    ...options,
  });
  const waiting = new Map<unknown, (message: Message) => void>();
  const notes: Message[] = [];
  const client = connectMemory(endpoint, (text) => {
    const message = JSON.parse(text) as Message;
    const take = 'method' in message ? undefined : waiting.get(message['id']);
    if (take === undefined) notes.push(message);
    else take(message);
  });
  let nextId = 1;
  const send = (method: string, params: Message): Promise<Message> => {
    const id = nextId++;
    const answer = new Promise<Message>((resolve) => waiting.set(id, resolve));
    client.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return answer;
  };
  return {
    endpoint,
    clock,
    targets,
    log,
    notes,
    modern: (method, params = {}, meta = {}) => send(method, { ...params, _meta: { ...ENVELOPE, ...meta } }),
    legacy: (method, params = {}) => send(method, params),
    tell: (method, params) => client.send(JSON.stringify({ jsonrpc: '2.0', method, params })),
  };
}

/** Lets everything happen that waits for no timer. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const tool = (name: string, more: object = {}) => ({ name, inputSchema: { type: 'object' }, ...more });
const offering = (offer: Offer): Script => modernServer(() => offer);
const namesOf = ({ result }: Message, list = 'tools'): unknown[] =>
  result[list].map(({ name }: { name: string }) => name);
const down: Script = () => ({ failed: 'unavailable' });

async function allNames(stage: Scene, page = 'tools/list'): Promise<unknown[]> {
  return namesOf(await stage.modern(page));
}

describe('options', () => {
  const target = new ScriptedTarget('a', down);
  const build = (options: object) => () =>
    new MergedEndpoint({
      name: 'm',
      version: '1',
      servers: [{ prefix: 'a', target }],
      ...options,
    } as MergedEndpointOptions);

  it.each([
    ['separator', { separator: '/' }, 'merge.separator'],
    ['no servers', { servers: [] }, 'merge.servers'],
    ['prefix', { servers: [{ prefix: 'a b', target }] }, 'merge.servers[0].prefix'],
    ['target', { servers: [{ prefix: 'a', target: {} }] }, 'merge.servers[0].target'],
    [
      'equal prefixes',
      {
        servers: [
          { prefix: 'a', target },
          { prefix: 'a', target },
        ],
      },
      'merge.servers[0].prefix',
    ],
    [
      'prefixes that cannot be told apart',
      {
        servers: [
          { prefix: 'a', target },
          { prefix: 'a_b', target },
        ],
      },
      'merge.servers[1].prefix',
    ],
    ['times', { lists: { minTtlMs: 10, maxTtlMs: 5 } }, 'merge.lists.maxTtlMs'],
    ['a key', { seperator: '_' }, 'merge.seperator'],
  ])('refuses %s', (_what, options, option) => {
    expect(build(options)).toThrow(expect.objectContaining({ option }));
    expect(build(options)).toThrow(OptionError);
  });

  it('takes prefixes that begin alike where the separator tells them apart', () => {
    expect(
      build({
        separator: '.',
        servers: [
          { prefix: 'a', target },
          { prefix: 'a_b', target },
        ],
      }),
    ).not.toThrow();
  });
});

describe('lists', () => {
  it('are those of all servers, in the order of the servers, whatever their pages', async () => {
    const stage = scene([
      offering({ tools: ['e', 'd', 'c', 'b', 'a'].map((name) => tool(name)) }),
      legacyServer(() => ({ tools: [tool('z')], prompts: [{ name: 'p' }] })),
    ]);
    expect(await allNames(stage)).toEqual(['a_e', 'a_d', 'a_c', 'a_b', 'a_a', 'b_z']);
    expect(namesOf(await stage.legacy('prompts/list'), 'prompts')).toEqual(['b_p']);
  });

  it('have pages of their own, whose cursors stand changes', async () => {
    let offer: Offer = { tools: ['a', 'b', 'c', 'd'].map((name) => tool(name)) };
    const stage = scene([modernServer(() => offer)], { pageSize: 2, lists: { minTtlMs: 1, maxTtlMs: 1 } });
    const first = await stage.modern('tools/list');
    expect(namesOf(first)).toEqual(['a_a', 'a_b']);
    offer = { tools: ['new', 'a', 'b', 'c', 'd'].map((name) => tool(name)) };
    stage.clock.advance(1);
    const second = await stage.modern('tools/list', { cursor: first['result'].nextCursor });
    expect(namesOf(second)).toEqual(['a_c', 'a_d']);
    expect(second['result']).not.toHaveProperty('nextCursor');
    expect((await stage.modern('prompts/list', { cursor: first['result'].nextCursor }))['error'].code).toBe(-32602);
    expect((await stage.modern('tools/list', { cursor: 'junk' }))['error'].code).toBe(-32602);
  });

  it('say how long they hold: as short and as private as the least of the servers', async () => {
    const stage = scene([offering({ ttlMs: 50_000 }), offering({ ttlMs: 20_000, cacheScope: 'private' })]);
    expect((await stage.modern('tools/list'))['result']).toMatchObject({ ttlMs: 20_000, cacheScope: 'private' });
    stage.clock.advance(5_000);
    expect((await stage.modern('tools/list'))['result']).toMatchObject({ ttlMs: 15_000 });
  });

  it('hold for nothing where a server cannot know, or is missing', async () => {
    const unknown = scene([offering({}), legacyServer(() => ({}))]);
    expect((await unknown.modern('tools/list'))['result']).toMatchObject({ ttlMs: 0, cacheScope: 'private' });
    const missing = scene([offering({}), down]);
    expect((await missing.modern('tools/list'))['result']).toMatchObject({ ttlMs: 0, cacheScope: 'private' });
  });

  it('are fetched again only when they no longer hold', async () => {
    const stage = scene([offering({ ttlMs: 10_000 })]);
    for (const wait of [0, 9_999, 0]) {
      stage.clock.advance(wait);
      await stage.modern('tools/list');
    }
    expect(stage.targets[0]?.of('tools/list')).toHaveLength(1);
    stage.clock.advance(1);
    await stage.modern('tools/list');
    expect(stage.targets[0]?.of('tools/list')).toHaveLength(2);
  });

  it('name a resource once, of the first server that has it, and say so in the log', async () => {
    const shared = { uri: 'x://shared', name: 'shared' };
    const stage = scene([
      offering({ resources: [shared] }),
      offering({ resources: [shared, { uri: 'x://own', name: 'own' }] }),
    ]);
    const { result } = await stage.modern('resources/list');
    expect(result.resources).toEqual([
      { uri: 'x://shared', name: 'a_shared' },
      { uri: 'x://own', name: 'b_own' },
    ]);
    expect(stage.log).toEqual([expect.objectContaining({ server: 'b', key: 'x://shared' })]);
  });

  it('show legacy clients output schemas as their revisions have them', async () => {
    const stage = scene([offering({ tools: [tool('list', { outputSchema: { type: 'array' } })] })]);
    const [listed] = (await stage.legacy('tools/list'))['result'].tools;
    expect(listed.outputSchema).toMatchObject({ type: 'object', properties: { result: { type: 'array' } } });
    const [modern] = (await stage.modern('tools/list'))['result'].tools;
    expect(modern.outputSchema).toEqual({ type: 'array' });
  });

  it('leave out what has no name, and take names like __proto__ for names', async () => {
    const stage = scene([offering({ tools: [tool('__proto__'), { inputSchema: {} }, tool('constructor')] })]);
    expect(await allNames(stage)).toEqual(['a___proto__', 'a_constructor']);
    expect((await stage.modern('tools/call', { name: 'a___proto__' }))['result'].params.name).toBe('__proto__');
  });
});

describe('a server that is down', () => {
  it('is left out, and is back when it answers', async () => {
    const stage = scene([offering({ tools: [tool('x')] }), down]);
    expect(await allNames(stage)).toEqual(['a_x']);
    (stage.targets[1] as ScriptedTarget).script = offering({ tools: [tool('y')] });
    stage.clock.advance(1_000);
    await settle();
    expect(await allNames(stage)).toEqual(['a_x', 'b_y']);
  });

  it('delays nobody for longer than allowed when it hangs', async () => {
    const stage = scene([offering({ tools: [tool('x')] }), () => 'silence'], { lists: { waitMs: 500 } });
    const list = allNames(stage);
    await settle();
    stage.clock.advance(500); // For the first lists of all,
    await settle();
    stage.clock.advance(500); // and for this one.
    expect(await list).toEqual(['a_x']);
    stage.clock.advance(10_000); // It is given up, and tried again after that.
    await settle();
    stage.clock.advance(1_000);
    expect(await allNames(stage)).toEqual(['a_x']);
    expect((await stage.modern('tools/call', { name: 'a_x' }))['result']).toMatchObject({ resultType: 'complete' });
  });

  it('keeps its list for a while, and then it is gone', async () => {
    const offer = offering({ tools: [tool('x')], ttlMs: 5_000 });
    const stage = scene([offer], { lists: { staleMs: 20_000 } });
    expect(await allNames(stage)).toEqual(['a_x']);
    (stage.targets[0] as ScriptedTarget).script = down;
    stage.clock.advance(5_000);
    expect(await allNames(stage)).toEqual(['a_x']);
    for (let second = 0; second < 19; second++) {
      stage.clock.advance(1_000);
      await settle();
    }
    expect(await allNames(stage)).toEqual(['a_x']);
    stage.clock.advance(1_000);
    expect(await allNames(stage)).toEqual([]);
    (stage.targets[0] as ScriptedTarget).script = offer;
    for (let second = 0; second < 16; second++) {
      stage.clock.advance(1_000);
      await settle();
    }
    expect(await allNames(stage)).toEqual(['a_x']);
  });

  it('answers calls with an error that says when to come again, and others are served', async () => {
    const stage = scene([offering({}), down]);
    const { error } = await stage.modern('tools/call', { name: 'b_x' });
    expect(error).toEqual({ code: -32010, message: 'b failed', data: { reason: 'unavailable', retryAfterMs: 1_000 } });
    expect((await stage.modern('tools/call', { name: 'a_x' }))['result']).toMatchObject({ method: 'tools/call' });
  });

  it.each([
    ['overloaded', -32010],
    ['lost', -32603],
    ['timeout', -32603],
  ] as const)('answers a call that is %s by its own error', async (failed, code) => {
    const stage = scene([offering({ call: () => ({ failed }) })]);
    const { error } = await stage.modern('tools/call', { name: 'a_x' });
    expect(error).toMatchObject({ code, data: { reason: failed } });
  });
});

describe('calls', () => {
  it('reach the server of their prefix under its own name, whether listed or not', async () => {
    const stage = scene([offering({}), offering({ tools: [tool('x')] })], { separator: '.' });
    for (const name of ['b.x', 'b.hidden.tool']) {
      const { result } = await stage.modern('tools/call', { name, arguments: { n: 1 } });
      expect(result.params).toMatchObject({ name: name.slice(2), arguments: { n: 1 } });
    }
    expect((await stage.modern('tools/call', { name: 'c.x' }))['error'].code).toBe(-32602);
    expect((await stage.modern('prompts/get', { name: 'b.' }))['error'].code).toBe(-32602);
  });

  it('carry the headers of the modern era, arguments that the tool repeats there among them', async () => {
    const inputSchema = { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } };
    const stage = scene([offering({ tools: [tool('x', { inputSchema })] })]);
    await stage.modern('tools/list');
    await stage.modern('tools/call', { name: 'a_x', arguments: { region: 'Zürich' } });
    const [call] = stage.targets[0]?.of('tools/call') ?? [];
    expect(Object.fromEntries(call?.headers ?? [])).toMatchObject({
      'MCP-Protocol-Version': '2026-07-28',
      'Mcp-Method': 'tools/call',
      'Mcp-Name': 'x',
      'Mcp-Param-Region': '=?base64?WsO8cmljaA==?=',
    });
  });

  it('tell a modern server who the client is and what it can, and for a legacy client who asks', async () => {
    const stage = scene([offering({})]);
    await stage.modern(
      'tools/call',
      { name: 'a_x' },
      { 'io.modelcontextprotocol/clientCapabilities': { sampling: {} } },
    );
    await stage.legacy('tools/call', { name: 'a_x' });
    const [modern, legacy] = (stage.targets[0]?.of('tools/call') ?? []).map(({ params }) => params['_meta']);
    expect(modern).toMatchObject({
      'io.modelcontextprotocol/clientInfo': { name: 'test' },
      'io.modelcontextprotocol/clientCapabilities': { sampling: {} },
    });
    expect(legacy).toMatchObject({
      'io.modelcontextprotocol/clientInfo': { name: 'merged' },
      'io.modelcontextprotocol/clientCapabilities': {},
    });
  });

  it('pass a request for input on to a modern client, with its state untouched both ways', async () => {
    const asks = {
      resultType: 'input_required',
      requestState: 'sealed',
      inputRequests: { q: { method: 'roots/list' } },
    };
    const stage = scene([
      offering({ call: ({ params }) => ({ result: params['requestState'] === 'sealed' ? { content: [] } : asks }) }),
    ]);
    expect((await stage.modern('tools/call', { name: 'a_x' }))['result']).toMatchObject(asks);
    const again = { name: 'a_x', requestState: 'sealed', inputResponses: { q: { roots: [] } } };
    expect((await stage.modern('tools/call', again))['result']).toMatchObject({ resultType: 'complete', content: [] });
    const { error } = await stage.legacy('tools/call', { name: 'a_x' });
    expect(error.message).toContain('2026-07-28');
  });

  it('keep errors as they are', async () => {
    const error = { code: -32042, message: 'no', data: { why: 1 } };
    const stage = scene([offering({ call: () => ({ error, status: 400 }) })]);
    expect((await stage.modern('tools/call', { name: 'a_x' }))['error']).toEqual(error);
  });

  it('stream progress under the token of the client, and end with the client', async () => {
    const stage = scene([offering({ call: () => 'silence' })]);
    await stage.modern('tools/list');
    const call = stage.modern('tools/call', { name: 'a_x' }, { progressToken: 'mine' });
    await settle();
    const held = stage.targets[0]?.held.find(({ seen }) => seen.method === 'tools/call');
    const progressToken = (held?.seen.params['_meta'] as Message)['progressToken'];
    held?.say({ method: 'notifications/progress', params: { progressToken, progress: 1 } });
    held?.say({ method: 'notifications/progress', params: { progressToken, progress: 1 } });
    held?.say({ method: 'notifications/message', params: { level: 'error', data: 'not asked for' } });
    held?.say({ result: { content: [] } });
    expect((await call)['result'].content).toEqual([]);
    expect(stage.notes.map(({ params }) => params)).toEqual([{ progressToken: 'mine', progress: 1 }]);

    void stage.modern('tools/call', { name: 'a_x' });
    await settle();
    stage.tell('notifications/cancelled', { requestId: 3 });
    expect(stage.targets[0]?.held.at(-1)?.aborted).toBe(true);
  });

  it('tell a legacy server of a cancellation', async () => {
    const stage = scene([legacyServer(() => ({ call: () => 'silence' }))]);
    void stage.legacy('tools/call', { name: 'a_x' });
    await settle();
    await settle();
    stage.tell('notifications/cancelled', { requestId: 1 });
    expect(stage.targets[0]?.of('notifications/cancelled')).toHaveLength(1);
  });
});

describe('resources', () => {
  const missing: Script = () => ({ error: { code: -32602, message: 'missing' } });
  const template = { uriTemplate: 'b://{id}', name: 'b' };

  it('are read where they are listed, then where a template fits, then wherever there are any', async () => {
    const stage = scene([
      offering({ resources: [{ uri: 'a://1', name: '1' }], call: missing }),
      offering({ resourceTemplates: [template] }),
      offering({ call: missing }),
    ]);
    await stage.modern('resources/read', { uri: 'b://7' });
    expect(stage.targets.map((target) => target.of('resources/read').length)).toEqual([0, 1, 0]);
    expect((await stage.modern('resources/read', { uri: 'c://1' }))['result']).toMatchObject({
      ttlMs: 0,
      cacheScope: 'private',
    });
    expect(stage.targets.map((target) => target.of('resources/read').length)).toEqual([1, 2, 0]);
    expect((await stage.modern('resources/read', { uri: 'a://1' }))['error'].code).toBe(-32602);
  });

  it('are missing by the code of the era where nobody has any', async () => {
    const stage = scene([offering({})]);
    expect((await stage.modern('resources/read', { uri: 'c://1' }))['error'].code).toBe(-32602);
    expect((await stage.legacy('resources/read', { uri: 'c://1' }))['error'].code).toBe(-32002);
  });

  it('and prompts are completed by their server', async () => {
    const stage = scene([offering({}), offering({ resourceTemplates: [template] })]);
    await stage.modern('tools/list');
    const argument = { name: 'id', value: '1' };
    await stage.modern('completion/complete', { ref: { type: 'ref/prompt', name: 'a_p' }, argument });
    await stage.modern('completion/complete', { ref: { type: 'ref/resource', uri: 'b://{id}' }, argument });
    expect(stage.targets[0]?.of('completion/complete')[0]?.params['ref']).toEqual({ type: 'ref/prompt', name: 'p' });
    expect(stage.targets[1]?.of('completion/complete')[0]?.params['ref']).toMatchObject({ uri: 'b://{id}' });
  });
});

describe('sessions of a legacy server', () => {
  it('are opened once, and again when the server has forgotten them; the call is made again', async () => {
    let forgotten = false;
    const stage = scene([
      legacyServer(() => ({
        call: ({ session }) =>
          forgotten && session === 'session-1' ? { status: 404 } : { result: { content: [], session } },
      })),
    ]);
    expect((await stage.legacy('tools/call', { name: 'a_x' }))['result'].session).toBe('session-1');
    forgotten = true;
    const both = await Promise.all([1, 2].map(() => stage.legacy('tools/call', { name: 'a_x' })));
    expect(both.map(({ result }) => result.session)).toEqual(['session-2', 'session-2']);
    expect(stage.targets[0]?.of('initialize')).toHaveLength(2);
    expect(stage.targets[0]?.of('tools/call')[0]?.headers.get('MCP-Protocol-Version')).toBe('2025-06-18');
  });

  it('do not make calls go round and round', async () => {
    const stage = scene([legacyServer(() => ({ call: () => ({ failed: 'session-gone' }) }))]);
    expect((await stage.legacy('tools/call', { name: 'a_x' }))['error']).toMatchObject({
      data: { reason: 'session-gone' },
    });
    expect(stage.targets[0]?.of('tools/call')).toHaveLength(2);
  });

  it('are ended with the endpoint', async () => {
    const stage = scene([legacyServer(() => ({}))]);
    await stage.legacy('tools/list');
    await stage.endpoint.close();
    expect(stage.targets[0]?.seen.at(-1)).toMatchObject({ http: 'DELETE', session: 'session-1' });
    expect(stage.targets[0]?.isClosed).toBe(true);
    expect(stage.clock.timers).toBe(0);
  });
});

describe('changes', () => {
  it.each([
    ['modern', modernServer],
    ['legacy', legacyServer],
  ] as const)(
    'that a %s server tells of reach those who listen, when the merged list is another one',
    async (_era, server) => {
      let offer: Offer = { tools: [tool('x')] };
      const stage = scene([server(() => offer)]);
      await stage.modern('tools/list');
      void stage.modern('subscriptions/listen', { notifications: { toolsListChanged: true } });
      stage.tell('notifications/initialized'); // A legacy client on the same connection, so to speak.
      await settle();
      stage.notes.length = 0;
      const [stream] = stage.targets[0]?.held ?? [];
      stream?.say({ method: 'notifications/tools/list_changed' });
      await settle();
      expect(stage.notes).toEqual([]); // Nothing is another one.
      offer = { tools: [tool('y')] };
      stream?.say({ method: 'notifications/tools/list_changed' });
      await settle();
      expect(stage.notes.map(({ method, params }) => [method, params?._meta !== undefined])).toEqual([
        ['notifications/tools/list_changed', true],
        ['notifications/tools/list_changed', false],
      ]);
      expect(await allNames(stage)).toEqual(['a_y']);
    },
  );

  it('are asked for again when the stream of a server has ended', async () => {
    const stage = scene([offering({})]);
    await stage.modern('tools/list');
    stage.targets[0]?.held[0]?.say({ result: {} });
    stage.clock.advance(500);
    await settle();
    expect(stage.targets[0]?.of('subscriptions/listen')).toHaveLength(2);
  });

  it('end with a result when the endpoint closes', async () => {
    const stage = scene([offering({})]);
    const stream = stage.modern('subscriptions/listen', { notifications: {} });
    await settle();
    await settle();
    await stage.endpoint.close();
    expect((await stream)['result']).toMatchObject({ resultType: 'complete' });
  });
});

describe('what the endpoint says of itself', () => {
  it('is the same in both eras, with the instructions of all servers', async () => {
    const stage = scene([
      offering({ instructions: 'Ask nicely.' }),
      legacyServer(() => ({ instructions: 'Be brief.' })),
    ]);
    await stage.modern('tools/list');
    const { result } = await stage.modern('server/discover');
    expect(result).toMatchObject({ supportedVersions: ['2026-07-28'], capabilities: { tools: { listChanged: true } } });
    expect(result.instructions).toBe('a_*: Ask nicely.\n\nb_*: Be brief.');
    const greeting = await stage.legacy('initialize', { protocolVersion: '2025-03-26', capabilities: {} });
    expect(greeting['result']).toMatchObject({ protocolVersion: '2025-03-26', serverInfo: { name: 'merged' } });
  });
});
