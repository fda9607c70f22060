import { describe, expect, it } from 'vitest';
import { type StdioOptions, StdioTarget } from '../../../../src/balance/balance.ts';
import { FakeClock } from '../../../../src/testing/testing.ts';
import { call, legacy, modern, resultOf, send, type TargetAnswer } from '../../../balance/call-target.ts';
import { type FakeChild, fakeLaunch } from './fake-child.ts';

interface Scene {
  readonly target: StdioTarget;
  readonly clock: FakeClock;
  readonly children: FakeChild[];
  readonly log: { readonly message: string; readonly text?: string }[];
}

function scene(options: Partial<StdioOptions> = {}): Scene {
  const { launch, children } = fakeLaunch();
  const clock = new FakeClock();
  const log: Scene['log'] = [];
  const note = (details: object, message: string): void => void log.push({ ...details, message });
  const target = new StdioTarget(
    { name: 'behind', command: 'server', ...options },
    { clock, random: () => 1, launch, logger: { info: note, warn: note } },
  );
  return { target, clock, children, log };
}

const child = ({ children }: Scene, index = 0): FakeChild => children[index] as FakeChild;
/** Lets everything happen that waits for no timer. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const errorOf = ({ messages }: TargetAnswer): unknown => messages.at(-1)?.['error'];

describe('the handshake', () => {
  it('asks first whether the server is modern, and shakes hands when it is not', async () => {
    const stage = scene();
    expect(child(stage).sent.map(({ method }) => method)).toEqual(['server/discover']);
    child(stage).greet();
    expect(child(stage).sent.map(({ method }) => method)).toEqual([
      'server/discover',
      'initialize',
      'notifications/initialized',
    ]);
  });

  it('shakes hands with a server that stays silent to the question', async () => {
    const stage = scene({ startTimeoutMs: 3_000 });
    stage.clock.advance(1_000);
    child(stage).answer('initialize', { protocolVersion: '2025-03-26', capabilities: {} });
    const result = resultOf(stage.target, legacy('tools/call', { name: 'x' }));
    child(stage).answer('tools/call', { content: [] });
    expect(await result).toEqual({ content: [] });
  });

  it('takes a server of both eras that answers late for a legacy one, and a modern one for what it is', () => {
    const both = scene({ startTimeoutMs: 3_000 });
    both.clock.advance(1_500);
    child(both).reveal();
    child(both).answer('initialize', { protocolVersion: '2025-11-25', capabilities: {} });
    void send(both.target, legacy('tools/call', { name: 'x' }));
    expect(child(both).last('tools/call').params).toEqual({ name: 'x' });

    const modernOnly = scene({ startTimeoutMs: 3_000 });
    modernOnly.clock.advance(1_500);
    child(modernOnly).reveal();
    child(modernOnly).say({ id: child(modernOnly).last('initialize').id, error: { code: -32601, message: 'no' } });
    void send(modernOnly.target, legacy('tools/call', { name: 'x' }));
    expect(child(modernOnly).last('tools/call').params?.['_meta']).toMatchObject({
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    });
  });

  it('asks children that follow in the era that is known', () => {
    const stage = scene({ children: { min: 1 }, restart: { firstMs: 10 } });
    child(stage).greet();
    child(stage).die('was ended by SIGSEGV');
    return settle().then(() => {
      stage.clock.advance(10);
      expect(child(stage, 1).sent.map(({ method }) => method)).toEqual(['initialize']);
    });
  });

  it('greets as of old when a child ended at the question', async () => {
    const stage = scene({ restart: { firstMs: 10 } });
    child(stage).die('ended with code 1');
    await settle();
    stage.clock.advance(10);
    expect(child(stage, 1).sent.map(({ method }) => method)).toEqual(['initialize']);
    child(stage, 1).die('ended with code 1');
    await settle();
    stage.clock.advance(20);
    expect(child(stage, 2).sent.map(({ method }) => method)).toEqual(['server/discover']);
  });

  it('ends a child that does not answer in time', async () => {
    const stage = scene({ startTimeoutMs: 3_000 });
    stage.clock.advance(3_000);
    await settle();
    expect(child(stage).isEnded).toBe(true);
    expect(stage.log).toMatchObject([{ reason: 'did not answer the handshake within 3000 ms' }]);
  });
});

describe('calls', () => {
  it('carry ids and tokens of our own, and give clients back theirs', async () => {
    const stage = scene();
    child(stage).greet();
    const calls = ['a', 'b'].map((token) =>
      send(stage.target, modern('tools/call', { name: token }, { progressToken: 'same' })),
    );
    const [first, second] = child(stage).sent.filter(({ method }) => method === 'tools/call');
    expect(first?.id).not.toBe(second?.id);
    const tokenOf = (message: typeof first) =>
      (message?.params?.['_meta'] as { progressToken?: unknown })?.progressToken;
    child(stage).say({ method: 'notifications/progress', params: { progressToken: tokenOf(second), progress: 7 } });
    child(stage).say({ id: second?.id, result: { content: [], of: 'b' } });
    child(stage).say({ id: first?.id, result: { content: [], of: 'a' } });
    const [a, b] = await Promise.all(calls.map(({ answer }) => answer));
    expect(a?.messages).toMatchObject([{ id: 1, result: { of: 'a' } }]);
    expect(b?.messages).toMatchObject([{ params: { progressToken: 'same', progress: 7 } }, { result: { of: 'b' } }]);
  });

  it('reach a legacy child without an envelope, with what else clients say of a request', () => {
    const stage = scene();
    child(stage).greet();
    void send(stage.target, modern('tools/call', { name: 'x', requestState: 's' }, { traceparent: '00-1' }));
    expect(child(stage).last('tools/call').params).toEqual({ name: 'x', _meta: { traceparent: '00-1' } });
  });

  it('go to the child with the fewest', () => {
    const stage = scene({ children: { min: 3 } });
    for (const each of stage.children) each.greet();
    for (let made = 0; made < 6; made++) void send(stage.target, legacy('tools/call', { name: 'x' }));
    const counts = stage.children.map(({ sent }) => sent.filter(({ method }) => method === 'tools/call').length);
    expect(counts).toEqual([2, 2, 2]);
  });

  it('wait for a child, start one more, and are refused when too many wait', async () => {
    const stage = scene({ maxInFlightPerChild: 1, children: { min: 1, max: 2 } });
    child(stage).greet();
    const answers = Array.from({ length: 4 }, () => send(stage.target, legacy('tools/call', { name: 'x' })).answer);
    expect(stage.children).toHaveLength(2);
    expect((await answers[3])?.failure).toMatchObject({ reason: 'overloaded', retryAfterSeconds: 1 });
    child(stage, 1).greet();
    child(stage, 0).answer('tools/call', { content: [] });
    expect(stage.children.map(({ sent }) => sent.filter(({ method }) => method === 'tools/call').length)).toEqual([
      2, 1,
    ]);
  });

  it('are refused when no child is free for too long', async () => {
    const stage = scene({ startTimeoutMs: 9_000, maxInFlightPerChild: 1 });
    child(stage).greet();
    void send(stage.target, legacy('tools/call', { name: 'x' }));
    const waiting = send(stage.target, legacy('tools/call', { name: 'x' }));
    stage.clock.advance(9_000);
    expect((await waiting.answer).failure).toMatchObject({ reason: 'overloaded' });
  });

  it('time out without a word, not as long as there is progress, and are then cancelled', async () => {
    const stage = scene({ requestTimeoutMs: 1_000 });
    child(stage).greet();
    const { answer } = send(stage.target, modern('tools/call', { name: 'x' }, { progressToken: 1 }));
    const { id } = child(stage).last('tools/call');
    stage.clock.advance(900);
    child(stage).say({ method: 'notifications/progress', params: { progressToken: id, progress: 1 } });
    stage.clock.advance(900);
    expect(child(stage).sent.map(({ method }) => method)).not.toContain('notifications/cancelled');
    stage.clock.advance(100);
    expect((await answer).failure).toMatchObject({ reason: 'timeout' });
    expect(child(stage).last('notifications/cancelled').params).toEqual({ requestId: id });
  });

  it('are cancelled when a modern client leaves, also one that still waits', () => {
    const stage = scene({ maxInFlightPerChild: 1 });
    child(stage).greet();
    const running = send(stage.target, modern('tools/call', { name: 'x' }));
    const waiting = send(stage.target, modern('tools/call', { name: 'y' }));
    waiting.abort();
    running.abort();
    expect(child(stage).last('notifications/cancelled').params).toEqual({
      requestId: child(stage).last('tools/call').id,
    });
    expect(child(stage).sent.filter(({ method }) => method === 'tools/call')).toHaveLength(1);
  });

  it('do not go to a child that has exited, though its output is still open', async () => {
    const stage = scene();
    child(stage).greet();
    child(stage).exit();
    const result = resultOf(stage.target, legacy('tools/call', { name: 'x' }));
    child(stage).die('ended with code 0');
    await settle();
    stage.clock.advance(250);
    child(stage, 1).greet();
    child(stage, 1).answer('tools/call', { content: [] });
    expect(await result).toEqual({ content: [] });
  });

  it('are lost with their child when it has them, and wait for the next one when it has not', async () => {
    const stage = scene({ maxInFlightPerChild: 1, restart: { firstMs: 10 } });
    child(stage).greet();
    const running = send(stage.target, legacy('tools/call', { name: 'x' }));
    const waiting = send(stage.target, legacy('tools/call', { name: 'y' }));
    child(stage).die('was ended by SIGKILL');
    expect((await running.answer).failure).toEqual({
      reason: 'lost',
      message: 'server "behind" was ended by SIGKILL',
      retryAfterSeconds: undefined,
    });
    stage.clock.advance(10);
    child(stage, 1).greet();
    child(stage, 1).answer('tools/call', { content: [] });
    expect((await waiting.answer).messages).toMatchObject([{ result: { content: [] } }]);
  });
});

describe('eras', () => {
  it('wraps output that is no object for legacy clients, of a tool whose schema says so', async () => {
    const stage = scene();
    child(stage).reveal();
    const list = resultOf(stage.target, legacy('tools/list'));
    const tool = { name: 'numbers', inputSchema: { type: 'object' }, outputSchema: { type: 'array' } };
    child(stage).answer('tools/list', { resultType: 'complete', ttlMs: 5, cacheScope: 'public', tools: [tool] });
    expect(await list).toEqual({
      tools: [{ ...tool, outputSchema: expect.objectContaining({ properties: { result: { type: 'array' } } }) }],
    });
    const result = resultOf(stage.target, legacy('tools/call', { name: 'numbers' }));
    child(stage).answer('tools/call', { resultType: 'complete', content: [], structuredContent: [1] });
    expect(await result).toEqual({ content: [], structuredContent: { result: [1] } });
  });

  it('passes a request for input to a modern client untouched, and tells a legacy one that it cannot', async () => {
    const stage = scene();
    child(stage).reveal();
    const asks = { resultType: 'input_required', requestState: 'sealed', inputRequests: {} };
    const ofModern = resultOf(stage.target, modern('tools/call', { name: 'ask', inputResponses: { a: 1 } }));
    expect(child(stage).last('tools/call').params).toMatchObject({ inputResponses: { a: 1 } });
    child(stage).answer('tools/call', asks);
    expect(await ofModern).toMatchObject(asks);
    const ofLegacy = send(stage.target, legacy('tools/call', { name: 'ask' })).answer;
    child(stage).answer('tools/call', asks);
    expect(errorOf(await ofLegacy)).toMatchObject({ message: expect.stringContaining('2026-07-28') });
  });

  it('tells of a missing resource by the code of the era', async () => {
    const stage = scene();
    child(stage).greet();
    const read = send(stage.target, modern('resources/read', { uri: 'a://b' })).answer;
    child(stage).say({ id: child(stage).last('resources/read').id, error: { code: -32002, message: 'missing' } });
    expect(errorOf(await read)).toMatchObject({ code: -32602 });
  });

  it('checks headers against the body, as any modern endpoint', async () => {
    const stage = scene();
    child(stage).greet();
    const request = modern('tools/call', { name: 'x' });
    const { status, messages } = await send(stage.target, {
      ...request,
      headerLines: request.headerLines.replace('Mcp-Name: x', 'Mcp-Name: y'),
    }).answer;
    expect([status, messages]).toMatchObject([400, [{ error: { code: -32020 } }]]);
  });

  it('answers what concerns itself: ping, log levels, notifications, other methods of HTTP', async () => {
    const stage = scene();
    child(stage).greet();
    expect(await resultOf(stage.target, legacy('ping'))).toEqual({});
    expect(await resultOf(stage.target, legacy('logging/setLevel', { level: 'error' }))).toEqual({});
    const note = call([], { jsonrpc: '2.0', method: 'notifications/initialized' });
    expect((await send(stage.target, note).answer).status).toBe(202);
    expect((await send(stage.target, { ...note, method: 'GET' }).answer).status).toBe(405);
    expect(child(stage).sent.at(-1)?.method).toBe('notifications/initialized'); // That of our own handshake.
  });
});

describe('changes', () => {
  it.each(['legacy', 'modern'] as const)('of a %s child reach those who listen', async (era) => {
    const stage = scene();
    const capabilities = { tools: { listChanged: true } };
    if (era === 'legacy') child(stage).greet(capabilities);
    else child(stage).reveal(capabilities);
    const request = modern('subscriptions/listen', {
      notifications: { toolsListChanged: true, promptsListChanged: true },
    });
    const stream = send(stage.target, request);
    expect(await stream.started).toMatchObject({ params: { notifications: { toolsListChanged: true } } });
    if (era === 'modern')
      expect(child(stage).last('subscriptions/listen').params).toMatchObject({
        notifications: { toolsListChanged: true },
      });
    child(stage).say({ method: 'notifications/tools/list_changed' });
    child(stage).say({ method: 'notifications/prompts/list_changed' });
    await stage.target.close();
    const { messages } = await stream.answer;
    expect(messages.map(({ method }) => method)).toEqual([
      'notifications/subscriptions/acknowledged',
      'notifications/tools/list_changed',
      undefined,
    ]);
    expect(messages[1]).toMatchObject({ params: { _meta: { 'io.modelcontextprotocol/subscriptionId': 1 } } });
  });
});

describe('requests of a child', () => {
  it('are answered at once: a ping with nothing, all else with an error', () => {
    const stage = scene();
    child(stage).greet();
    child(stage).say({ id: 5, method: 'ping' });
    expect(child(stage).sent.at(-1)).toMatchObject({ id: 5, result: {} });
    for (const method of ['sampling/createMessage', 'elicitation/create', 'roots/list']) {
      child(stage).say({ id: 'their-own', method });
      expect(child(stage).sent.at(-1)).toMatchObject({ id: 'their-own', error: { code: -32601 } });
    }
  });
});

describe('children', () => {
  it('that end again and again are started less and less often, and calls are refused meanwhile', async () => {
    const stage = scene({ restart: { firstMs: 100, maxMs: 1_000 } });
    const delays: number[] = [];
    for (let round = 0; round < 6; round++) {
      child(stage, round).die('ended with code 1');
      await settle();
      const before = stage.clock.now();
      while (stage.children.length === round + 1) stage.clock.advance(10);
      delays.push(stage.clock.now() - before);
    }
    expect(delays).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    const { failure } = await send(stage.target, legacy('tools/list')).answer;
    expect(failure).toMatchObject({
      reason: 'unavailable',
      message: expect.stringContaining('ended with code 1 (6 times'),
    });
  });

  it('are forgiven when one has served for a while', async () => {
    const stage = scene({ restart: { firstMs: 100, maxMs: 60_000 } });
    for (let round = 0; round < 3; round++) {
      child(stage, round).die('ended with code 1');
      await settle();
      stage.clock.advance(60_000);
    }
    child(stage, 3).greet();
    stage.clock.advance(10_000);
    child(stage, 3).die('was ended by SIGKILL');
    await settle();
    stage.clock.advance(100);
    expect(stage.children).toHaveLength(5);
  });

  it('beyond the least number are ended when nobody has needed them for a while', () => {
    const stage = scene({ maxInFlightPerChild: 1, children: { min: 1, max: 2 }, idleMs: 1_000 });
    child(stage).greet();
    for (let made = 0; made < 2; made++) void send(stage.target, legacy('tools/call', { name: 'x' }));
    child(stage, 1).greet();
    for (const each of stage.children) each.answer('tools/call', { content: [] });
    stage.clock.advance(2_000);
    expect(stage.children.filter(({ isEnded }) => !isEnded)).toHaveLength(1);
  });

  it('are ended with the target, after the calls that they have', async () => {
    const stage = scene();
    child(stage).greet();
    const running = resultOf(stage.target, legacy('tools/call', { name: 'x' }));
    const closing = stage.target.close(1_000);
    await settle();
    expect(child(stage).isEnded).toBe(false);
    expect((await send(stage.target, legacy('tools/list')).answer).failure?.reason).toBe('unavailable');
    child(stage).answer('tools/call', { content: [] });
    expect(await running).toEqual({ content: [] });
    await closing;
    expect(child(stage).isEnded).toBe(true);
    expect(stage.clock.timers).toBe(0);
  });
});

describe('what a child says that is no message', () => {
  it('disturbs no call, and is logged within bounds', async () => {
    const stage = scene();
    child(stage).greet();
    const running = resultOf(stage.target, legacy('tools/call', { name: 'x' }));
    child(stage).say('Listening on port 3000');
    child(stage).say('{"jsonrpc":"2.0","id":1');
    child(stage).say('[1,2]');
    child(stage).say({ id: 999, result: {} });
    child(stage).say({ id: child(stage).last('tools/call').id, result: 'no object' });
    for (let line = 0; line < 100; line++) child(stage).say(`${'x'.repeat(10_000)}${line}`);
    child(stage).answer('tools/call', { content: [] });
    expect(await running).toEqual({ content: [] });
    expect(stage.log).toHaveLength(20);
    for (const { text } of stage.log) expect(text?.length).toBeLessThanOrEqual(500);
    stage.clock.advance(60_000);
    child(stage).say('a minute later');
    expect(stage.log.at(-1)?.text).toBe('a minute later');
  });
});
