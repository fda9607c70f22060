import { describe, expect, it } from 'vitest';
import { allNames, offering, scene, settle, tool } from './scene.ts';
import { legacyServer, modernServer, type Offer, type Script, type ScriptedTarget } from './scripted-target.ts';

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
    const progressToken = (held?.seen.params['_meta'] as { progressToken?: unknown })?.progressToken;
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

  it('do not make a call again that was under way when another one found the session lost', async () => {
    const stage = scene([
      legacyServer(() => ({
        call: ({ params, session }) =>
          params['name'] === 'slow' ? 'silence' : session === 'session-1' ? { status: 404 } : { result: {} },
      })),
    ]);
    const slow = stage.legacy('tools/call', { name: 'a_slow' });
    await stage.legacy('tools/call', { name: 'a_x' });
    stage.targets[0]?.held.find(({ seen }) => seen.method === 'tools/call')?.end();
    expect((await slow)['error']).toMatchObject({ data: { reason: 'lost' } });
    expect(stage.targets[0]?.of('tools/call')).toHaveLength(3);
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

  it('that a server tells of whenever it is asked do not keep it busy', async () => {
    const stage = scene([offering({ tools: [tool('x')] })]);
    await stage.modern('tools/list');
    const [target] = stage.targets as [ScriptedTarget];
    const { script } = target;
    target.script = (seen) => {
      if (seen.method === 'tools/list' && target.of('tools/list').length < 100)
        target.held[0]?.say({ method: 'notifications/tools/list_changed' });
      return script(seen);
    };
    target.held[0]?.say({ method: 'notifications/tools/list_changed' });
    for (let turn = 0; turn < 50; turn++) await settle();
    expect(target.of('tools/list')).toHaveLength(1 + 5);
    stage.clock.advance(1_000);
    await settle();
    expect(target.of('tools/list').length).toBeGreaterThan(6);
    expect(await allNames(stage)).toEqual(['a_x']);
  });

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
