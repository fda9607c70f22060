import { describe, expect, it } from 'vitest';
import { MergedEndpoint, type MergedEndpointOptions } from '../../../../src/balance/balance.ts';
import { MergedLists } from '../../../../src/balance/merge/merged-lists.ts';
import { OptionError } from '../../../../src/kernel/errors.ts';
import { allNames, down, namesOf, offering, scene, settle, tool } from './scene.ts';
import { legacyServer, modernServer, type Offer, ScriptedTarget } from './scripted-target.ts';

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
    expect(listed?.outputSchema).toMatchObject({ type: 'object', properties: { result: { type: 'array' } } });
    const [modern] = (await stage.modern('tools/list'))['result'].tools;
    expect(modern?.outputSchema).toEqual({ type: 'array' });
  });

  it('leave out what has no name, and take names like __proto__ for names', async () => {
    const stage = scene([offering({ tools: [tool('__proto__'), { inputSchema: {} }, tool('constructor')] })]);
    expect(await allNames(stage)).toEqual(['a___proto__', 'a_constructor']);
    expect((await stage.modern('tools/call', { name: 'a___proto__' }))['result'].params.name).toBe('__proto__');
  });
});

describe('what servers say', () => {
  it('is not taken where it is too deep to be written again, and odd names are no names', async () => {
    let inputSchema = {};
    for (let depth = 0; depth < 1_200; depth++) inputSchema = { inputSchema };
    const odd = { uri: 'x://odd', name: { toString: 1, valueOf: 1 } };
    const stage = scene([
      offering({ tools: [tool('x')], resources: [odd] }),
      offering({ tools: [tool('deep', { inputSchema })] }),
    ]);
    expect(await allNames(stage)).toEqual(['a_x']);
    expect(stage.log).toMatchObject([{ server: 'b', message: 'lists cannot be fetched' }]);
    expect((await stage.modern('resources/list'))['result']['resources']).toMatchObject([{ name: 'a_x://odd' }]);
    const lists = new MergedLists([], '_', 10, { info: () => {}, warn: () => {} });
    expect(lists.headerMismatch(odd, undefined)).toBeUndefined();
  });
});

describe('a server that is down', () => {
  it('is known at once where its target fails at once', async () => {
    const stage = scene([offering({ tools: [tool('x')], ttlMs: 5_000 })]);
    await stage.modern('tools/list');
    const [target] = stage.targets as [ScriptedTarget];
    target.send = (_call, sink) => {
      sink.failed({ reason: 'unavailable', message: 'does not stay up', retryAfterSeconds: 1 });
      return { pause: () => {}, resume: () => {}, abort: () => {} };
    };
    stage.clock.advance(5_000);
    expect(await allNames(stage)).toEqual(['a_x']); // From before.
    stage.clock.advance(1_000); // Now it is asked for its era.
    await settle();
    expect(stage.log).toMatchObject([{ error: 'does not stay up' }]);
    await stage.endpoint.close();
    expect(stage.clock.timers).toBe(0);
  });

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

describe('views of tools', () => {
  const view = (uri: string) => ({ uri, name: uri, mimeType: 'text/html;profile=mcp-app' });
  const shown = (name: string, uri: string) => tool(name, { _meta: { ui: { resourceUri: uri, visibility: ['app'] } } });
  const metaOf = async (stage: ReturnType<typeof scene>) =>
    Object.fromEntries((await stage.modern('tools/list')).result.tools.map(({ name, _meta }) => [name, _meta]));

  it('keep their URIs, and are read where the tool is, listed or not', async () => {
    const stage = scene([
      offering({ resources: [view('ui://a/page')], tools: [shown('t', 'ui://a/page')] }),
      modernServer(() => ({
        resources: [view('ui://b/listed')],
        tools: [shown('t', 'ui://b/unlisted'), tool('flat', { _meta: { 'ui/resourceUri': 'ui://b/listed' } })],
      })),
    ]);
    expect(await metaOf(stage)).toEqual({
      a_t: { ui: { resourceUri: 'ui://a/page', visibility: ['app'] } },
      b_t: { ui: { resourceUri: 'ui://b/unlisted', visibility: ['app'] } },
      b_flat: { 'ui/resourceUri': 'ui://b/listed' },
    });
    await stage.modern('resources/read', { uri: 'ui://b/unlisted' });
    expect(stage.targets.map((target) => target.of('resources/read').length)).toEqual([0, 1]);
  });

  it('are never those of another server', async () => {
    const clash = 'ui://app/page';
    const stage = scene([
      offering({ resources: [view(clash)], tools: [shown('t', clash)] }),
      offering({
        resources: [view(clash)],
        tools: [shown('t', clash), tool('flat', { _meta: { 'ui/resourceUri': clash, 'example.com/own': 1 } })],
      }),
    ]);
    expect(await metaOf(stage)).toEqual({
      a_t: { ui: { resourceUri: clash, visibility: ['app'] } },
      b_t: { ui: { visibility: ['app'] } },
      b_flat: { 'example.com/own': 1 },
    });
    expect(stage.log).toContainEqual(expect.objectContaining({ server: 'b', list: 'views of tools', key: clash }));
  });

  it('belong to the extension that the endpoint has', async () => {
    const { result } = await scene([offering({})]).modern('server/discover');
    expect(result).toMatchObject({ capabilities: { extensions: { 'io.modelcontextprotocol/ui': {} } } });
  });
});
