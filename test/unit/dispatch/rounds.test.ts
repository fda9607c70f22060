import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { acceptedContent, inputRequired } from '../../../src/registry/registry.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { callTool, type HttpOptions, legacy, modern, type Reply } from '../support/http.ts';
import { codeOf, textOf } from '../support/messages.ts';
import { Peer } from '../support/peer.ts';
import { faultsOf, serverWith, type TestServer, text } from '../support/test-server.ts';

const CAN_ASK: HttpOptions = { capabilities: { elicitation: {}, sampling: {}, roots: {} } };
const SECRET = 'a secret of sixteen';
type Config = NonNullable<Parameters<typeof serverWith>[1]>;

/** Tools, a prompt and a resource that want one answer, and remember a state between the rounds. */
function asking(config: Config = { requestState: { secret: SECRET } }): TestServer {
  return serverWith((server) => {
    const ask = () =>
      inputRequired({
        inputRequests: {
          name: inputRequired.elicit({ message: 'Name?', requestedSchema: z.object({ name: z.string() }) }),
        },
        requestState: 'the plain state',
      });
    for (const tool of ['greet', 'other']) {
      server.registerTool(tool, { inputSchema: { type: 'object' } }, (_args, { mcpReq }) => {
        const { name } = acceptedContent(mcpReq.inputResponses, 'name') ?? {};
        return name === undefined ? ask() : text(`${name}, ${mcpReq.requestState() ?? 'no state'}`);
      });
    }
    server.registerPrompt('greet', {}, ({ mcpReq }) => {
      const state = mcpReq.requestState();
      return state === undefined ? ask() : { messages: [{ role: 'user', content: { type: 'text', text: state } }] };
    });
    server.registerResource('greet', 'x://greet', {}, (uri, { mcpReq }) => {
      const state = mcpReq.requestState();
      return state === undefined ? ask() : { contents: [{ uri: uri.href, text: state }] };
    });
  }, config);
}

const ANSWERS = { name: { action: 'accept', content: { name: 'Ada' } } };

async function firstRound(server: TestServer, args: object = { a: 1 }): Promise<string> {
  const { result } = await callTool(server, 'greet', args, CAN_ASK);
  expect(result).toMatchObject({ resultType: 'input_required', requestState: expect.any(String) });
  return String(result?.requestState);
}

function secondRound(server: TestServer, requestState: unknown, more: Record<string, unknown> = {}): Promise<Reply> {
  const params = { name: 'greet', arguments: { a: 1 }, inputResponses: ANSWERS, requestState, ...more };
  return modern(server, 'tools/call', params, CAN_ASK);
}

describe('a multi-round-trip request', () => {
  it('asks, and goes on with the answers and its state', async () => {
    const server = asking();
    const { result } = await callTool(server, 'greet', { a: 1 }, CAN_ASK);
    expect(Object.keys(result ?? {}).sort()).toEqual(['_meta', 'inputRequests', 'requestState', 'resultType']);
    expect(result?.inputRequests).toMatchObject({
      name: { method: 'elicitation/create', params: { mode: 'form', message: 'Name?' } },
    });
    const reply = await secondRound(server, result?.requestState);
    expect(textOf(reply)).toBe('Ada, the plain state');
    expect(reply.result).toMatchObject({ resultType: 'complete' });
  });

  it('works for prompts and resources, too', async () => {
    const server = asking();
    for (const [method, params] of [
      ['prompts/get', { name: 'greet' }],
      ['resources/read', { uri: 'x://greet' }],
    ] as const) {
      const { result } = await modern(server, method, params, CAN_ASK);
      expect(result).toMatchObject({ resultType: 'input_required' });
      for (const member of ['ttlMs', 'cacheScope']) expect(result).not.toHaveProperty(member);
      const reply = await modern(server, method, { ...params, requestState: result?.requestState }, CAN_ASK);
      expect(JSON.stringify(reply.result)).toContain('the plain state');
    }
  });

  it.each([
    ['zod', z.object({ a: z.number(), list: z.array(z.string()) })],
    ['JSON Schema', { type: 'object' }],
  ])('goes on with a state whatever its handler did to the arguments: %s', async (_library, inputSchema) => {
    const server = serverWith((each) => {
      each.registerTool('t', { inputSchema: inputSchema as Record<string, unknown> }, (args, { mcpReq }) => {
        const seen = JSON.stringify(args);
        (args.list as unknown[]).push('more');
        args.a = 'changed';
        return mcpReq.requestState() === undefined ? inputRequired({ requestState: 's' }) : text(seen);
      });
      const argsSchema = z.object({ list: z.string() });
      each.registerPrompt('p', { argsSchema }, (args, { mcpReq }) => {
        args.list = 'changed';
        return mcpReq.requestState() === undefined ? inputRequired({ requestState: 's' }) : { messages: [] };
      });
    });
    const params = { name: 't', arguments: { a: 1, list: ['x'] } };
    const { result } = await modern(server, 'tools/call', params);
    const reply = await modern(server, 'tools/call', { ...params, requestState: result?.requestState });
    expect(textOf(reply)).toBe('{"a":1,"list":["x"]}');
    const prompt = { name: 'p', arguments: { list: 'x' } };
    const requestState = (await modern(server, 'prompts/get', prompt)).result?.requestState;
    expect((await modern(server, 'prompts/get', { ...prompt, requestState })).error).toBe(undefined);
  });

  it('never has caching members, even where the handler adds them', async () => {
    const server = serverWith((each) => {
      const spec = { ...inputRequired({ requestState: 's' }), ttlMs: 5, cacheScope: 'public' as const };
      each.registerTool('t', {}, () => spec);
      each.registerResource('r', 'x://r', { cacheHint: { ttlMs: 7 } }, () => spec);
    });
    for (const reply of [await callTool(server, 't'), await modern(server, 'resources/read', { uri: 'x://r' })]) {
      expect(reply.result).toMatchObject({ resultType: 'input_required' });
      expect(reply.text).not.toMatch(/ttlMs|cacheScope/);
    }
  });

  it.each([
    ['are missing', undefined],
    ['are empty', {}],
    ['are no object', 5],
    ['have another key', { other: ANSWERS.name }],
    ['were declined', { name: { action: 'decline' } }],
    ['have another shape', { name: { roots: [] } }],
    ['are null', { name: null }],
  ])('asks again when the answers %s', async (_what, inputResponses) => {
    const server = asking();
    const requestState = await firstRound(server);
    const { result } = await secondRound(server, requestState, { inputResponses });
    expect(result).toMatchObject({ resultType: 'input_required', inputRequests: { name: {} } });
  });

  it('takes no notice of answers that nobody asked for', async () => {
    const server = asking();
    const requestState = await firstRound(server);
    const inputResponses = { ...ANSWERS, extra: { action: 'accept' }, __proto__: { x: 1 } };
    expect(textOf(await secondRound(server, requestState, { inputResponses }))).toBe('Ada, the plain state');
  });

  it('may have no state, or nothing but a state', async () => {
    const server = serverWith((each) => {
      each.registerTool('poll', {}, ({ mcpReq }) =>
        mcpReq.requestState() === undefined ? inputRequired({ requestState: '1' }) : text('done'),
      );
      each.registerTool('ask', {}, () => inputRequired({ inputRequests: { r: inputRequired.listRoots() } }));
    });
    const { result } = await callTool(server, 'poll');
    expect(result).not.toHaveProperty('inputRequests');
    expect(textOf(await modern(server, 'tools/call', { name: 'poll', requestState: result?.requestState }))).toBe(
      'done',
    );
    expect((await callTool(server, 'ask', undefined, CAN_ASK)).result).not.toHaveProperty('requestState');
  });

  it.each([
    ['neither requests nor state', {}],
    ['requests that are a list', { inputRequests: [] }],
    ['requests that are null', { inputRequests: null }],
    ['a request of an unknown method', { inputRequests: { a: { method: 'tools/call' } } }],
    ['a request that is null', { inputRequests: { a: null } }],
    ['a state that is no text', { requestState: { a: 1 } }],
    ['a state that is a number', { requestState: 5 }],
  ])('is -32603 and a fault when the handler returns %s', async (_what, spec) => {
    const server = serverWith((each) =>
      each.registerTool('t', {}, () => ({ resultType: 'input_required', ...spec }) as never),
    );
    const faults = faultsOf(server);
    expect(codeOf(await callTool(server, 't', undefined, CAN_ASK))).toBe(-32603);
    expect(faults).toHaveLength(1);
  });

  it('owes no structured output: the result that ends it does', async () => {
    const outputSchema = z.object({ a: z.number() });
    const server = serverWith((each) =>
      each.registerTool('t', { outputSchema }, () => inputRequired({ requestState: 's' })),
    );
    expect((await callTool(server, 't')).result).toMatchObject({ resultType: 'input_required' });
  });

  it('is told to legacy clients that cannot be asked as something that they cannot do', async () => {
    const server = asking();
    const json = { Accept: 'application/json' };
    const tool = await legacy(server, 'tools/call', { name: 'greet', arguments: {} }, json);
    expect(tool.status).toBe(200);
    expect(textOf(tool)).toMatch(/only clients of protocol revision 2026-07-28/);
    expect(codeOf(await legacy(server, 'prompts/get', { name: 'greet' }, json))).toBe(-32603);
    expect(JSON.stringify([tool.result, tool.error])).not.toMatch(/input_required|plain state/);
  });

  it('works on a connection as over HTTP', async () => {
    const server = asking();
    const peer = await Peer.to(server);
    const { result } = await peer.modern('tools/call', { name: 'greet', arguments: { a: 1 } }, CAN_ASK);
    expect(textOf(await secondRound(server, result?.requestState))).toBe('Ada, the plain state');
  });
});

describe('the sealed state', () => {
  it('cannot be read', async () => {
    const state = await firstRound(asking());
    expect(state).toMatch(/^[\w-]+$/);
    const bytes = Buffer.from(state, 'base64url').toString('latin1');
    for (const readable of ['plain', 'state', 'greet', 'expires', SECRET]) expect(bytes).not.toContain(readable);
  });

  it('is never the same twice', async () => {
    const server = asking();
    const states = await Promise.all(Array.from({ length: 20 }, () => firstRound(server)));
    expect(new Set(states).size).toBe(20);
  });

  it('cannot be changed in any byte, cut, or lengthened', async () => {
    const server = asking();
    const sealed = Buffer.from(await firstRound(server), 'base64url');
    for (let index = 0; index < sealed.length; index++) {
      const tampered = Buffer.from(sealed);
      tampered[index] = (tampered[index] ?? 0) ^ (1 << (index % 8));
      expect(codeOf(await secondRound(server, tampered.toString('base64url')))).toBe(-32602);
    }
    for (const wrong of [sealed.subarray(1), sealed.subarray(0, -1), Buffer.concat([sealed, Buffer.from([0])])]) {
      expect(codeOf(await secondRound(server, wrong.toString('base64url')))).toBe(-32602);
    }
  });

  it('cannot be changed in any character of its text', async () => {
    const server = asking();
    const state = await firstRound(server);
    const changed = fc.asyncProperty(
      fc.nat({ max: state.length - 1 }),
      fc.constantFrom('A', 'B', '-', '_', '=', '.', ''),
      async (at, char) => {
        const tampered = state.slice(0, at) + char + state.slice(at + 1);
        fc.pre(tampered !== state);
        expect(await secondRound(server, tampered)).toMatchObject({ status: 200, error: { code: -32602 } });
      },
    );
    await fc.assert(changed, { numRuns: 200 });
    for (const tampered of [`${state}=`, ` ${state}`, `${state}\n`]) {
      expect(codeOf(await secondRound(server, tampered))).toBe(-32602);
    }
  });

  it.each([[''], ['x'], [null], [5], [{}], [[]], [true]])('is not %o', async (requestState) => {
    expect(codeOf(await secondRound(asking(), requestState))).toBe(-32602);
  });

  it('belongs to one tool, one method and one set of arguments', async () => {
    const server = asking();
    const requestState = await firstRound(server);
    expect(codeOf(await secondRound(server, requestState, { name: 'other' }))).toBe(-32602);
    for (const args of [{ a: 2 }, { a: '1' }, { a: 1, b: 2 }, {}, { a: [1] }, { b: 1 }]) {
      expect(codeOf(await secondRound(server, requestState, { arguments: args }))).toBe(-32602);
    }
    expect(codeOf(await secondRound(server, requestState, { arguments: undefined }))).toBe(-32602);
    expect(codeOf(await modern(server, 'prompts/get', { name: 'greet', requestState }, CAN_ASK))).toBe(-32602);
    expect(codeOf(await modern(server, 'resources/read', { uri: 'x://greet', requestState }, CAN_ASK))).toBe(-32602);
  });

  it('does not mind the order of arguments, at any depth', async () => {
    const server = asking();
    const requestState = await firstRound(server, { a: 1, b: { c: 2, d: [{ e: 3, f: 4 }] } });
    const args = { b: { d: [{ f: 4, e: 3 }], c: 2 }, a: 1 };
    expect(textOf(await secondRound(server, requestState, { arguments: args }))).toBe('Ada, the plain state');
    const list = { a: 1, b: { c: 2, d: [{ e: 3, f: 4 }, null] } };
    expect(codeOf(await secondRound(server, requestState, { arguments: list }))).toBe(-32602);
  });

  it('tells apart arguments that would read alike', async () => {
    const server = asking();
    const alike: readonly (readonly [object, object])[] = [
      [{ a: { b: 1 } }, { a: [['b', 1]] }],
      [{ a: null }, {}],
      [JSON.parse('{"__proto__":1}') as object, {}],
      [{ a: '1' }, { a: 1 }],
      [{ a: [] }, { a: {} }],
    ];
    for (const [one, two] of alike) {
      const requestState = await firstRound(server, one);
      expect(codeOf(await secondRound(server, requestState, { arguments: two }))).toBe(-32602);
    }
  });

  it('does not mind _meta: the next round has an envelope of its own', async () => {
    const server = asking();
    const requestState = await firstRound(server);
    const params = { name: 'greet', arguments: { a: 1 }, inputResponses: ANSWERS, requestState };
    const reply = await modern(server, 'tools/call', params, { ...CAN_ASK, id: 'next', meta: { progressToken: 9 } });
    expect(textOf(reply)).toBe('Ada, the plain state');
  });

  it('expires', async () => {
    const clock = new FakeClock();
    const server = asking({ clock, requestState: { secret: SECRET, ttlSeconds: 60 } });
    const requestState = await firstRound(server);
    clock.advance(59_999);
    expect(textOf(await secondRound(server, requestState))).toBe('Ada, the plain state');
    clock.advance(1);
    expect(codeOf(await secondRound(server, requestState))).toBe(-32602);
  });

  it('opens in another process with the same secret alone', async () => {
    const requestState = await firstRound(asking());
    expect(textOf(await secondRound(asking(), requestState))).toBe('Ada, the plain state');
    const others: Config[] = [{}, {}, { requestState: { secret: 'another secret of sixteen' } }];
    for (const config of others) expect(codeOf(await secondRound(asking(config), requestState))).toBe(-32602);
    const own = asking({});
    expect(textOf(await secondRound(own, await firstRound(own)))).toBe('Ada, the plain state');
  });

  it('is opened before the handler runs: what does not open never reaches it', async () => {
    const handler = vi.fn(() => text(''));
    const server = serverWith((each) => each.registerTool('t', {}, handler));
    expect(codeOf(await modern(server, 'tools/call', { name: 't', requestState: 'forged' }))).toBe(-32602);
    expect(handler).not.toHaveBeenCalled();
  });
});
