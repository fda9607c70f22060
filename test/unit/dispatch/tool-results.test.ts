import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { callTool, legacy, modern } from '../support/http.ts';
import { codeOf, textOf } from '../support/messages.ts';
import { Peer } from '../support/peer.ts';
import { faultsOf, serverWith, text } from '../support/test-server.ts';

function nested(levels: number): object {
  let value: object = {};
  for (let level = 0; level < levels; level++) value = { value };
  return value;
}

function cyclic(): object {
  const value: Record<string, unknown> = {};
  value.self = value;
  return value;
}

const refusing = {
  toJSON: () => {
    throw new Error('toJSON secret');
  },
};
const UNUSABLE: readonly (readonly [string, unknown])[] = [
  ['undefined', undefined],
  ['null', null],
  ['a list', [{ type: 'text', text: 'x' }]],
  ['text', 'x'],
  ['a number', 5],
  ['false', false],
  ['a big integer', 5n],
  ['a symbol', Symbol('s')],
  ['a function', () => {}],
  ['content that is text', { content: 'x' }],
  ['content that is an object', { content: { type: 'text', text: 'x' } }],
  ['content that is null', { content: null }],
  ['a big integer in the content', { content: [{ type: 'text', text: 5n }] }],
  ['a big integer in structured output', { structuredContent: { n: 5n } }],
  ['a cycle in the content', { content: [cyclic()] }],
  ['a cycle in structured output', { structuredContent: cyclic() }],
  ['a cycle in _meta', { content: [], _meta: cyclic() }],
  ['toJSON that throws', { content: [refusing] }],
  ['toJSON of the whole that throws', { content: [], ...refusing }],
  ['toJSON of the whole that answers nothing', { content: [], toJSON: () => undefined }],
  ['toJSON of the whole that answers a list', { content: [], toJSON: () => [] }],
];

describe('a handler that returns what is no result', () => {
  it.each(UNUSABLE)(
    'is answered -32603, the operator is told, and the next request is served: %s',
    async (_what, value) => {
      const server = serverWith((each) => {
        each.registerTool('now', {}, () => value as never);
        each.registerTool('later', {}, async () => value as never);
        each.registerPrompt('p', {}, () => value as never);
        each.registerResource('r', 'x://r', {}, async () => value as never);
        each.registerTool('good', {}, () => text('fine'));
      });
      const faults = faultsOf(server);
      const peer = await Peer.legacy(server);
      const replies = [
        await callTool(server, 'now'),
        await callTool(server, 'later'),
        await modern(server, 'prompts/get', { name: 'p' }),
        await modern(server, 'resources/read', { uri: 'x://r' }),
        await legacy(server, 'tools/call', { name: 'later' }),
        await peer.legacy('tools/call', { name: 'now' }),
      ];
      for (const reply of replies) {
        expect(codeOf(reply)).toBe(-32603);
        expect(JSON.stringify(reply)).not.toContain('secret');
      }
      expect(faults).toHaveLength(replies.length);
      for (const { error } of faults) expect(error).toBeInstanceOf(Error);
      expect(faults[0]?.where).toBe('tools/call now');
      expect(textOf(await callTool(server, 'good'))).toBe('fine');
      expect(textOf(await peer.legacy('tools/call', { name: 'good' }))).toBe('fine');
    },
  );

  it('of 10,000 levels is answered whole or with -32603, as the runtime allows', async () => {
    const server = serverWith((each) => {
      each.registerTool('deep', {}, () => ({ structuredContent: nested(10_000) }));
      each.registerTool('good', {}, () => text('fine'));
    });
    const reply = await callTool(server, 'deep');
    if (codeOf(reply) === undefined) expect(reply.text).toContain('{"value":'.repeat(10_000));
    else expect(codeOf(reply)).toBe(-32603);
    expect(textOf(await callTool(server, 'good'))).toBe('fine');
  });
});

describe('a result of a tool', () => {
  it.each([
    ['nothing', {}, { content: [] }],
    [
      'an object',
      { structuredContent: { a: 1 } },
      { structuredContent: { a: 1 }, content: [{ type: 'text', text: '{"a":1}' }] },
    ],
    ['a list', { structuredContent: [1] }, { structuredContent: [1], content: [{ type: 'text', text: '[1]' }] }],
    ['null', { structuredContent: null }, { structuredContent: null, content: [{ type: 'text', text: 'null' }] }],
    ['false', { structuredContent: false }, { structuredContent: false, content: [{ type: 'text', text: 'false' }] }],
    [
      'an empty list of blocks, which is kept',
      { content: [], structuredContent: { a: 1 } },
      { content: [], structuredContent: { a: 1 } },
    ],
  ])('has content, made from structured output where there is none: %s', async (_what, returned, expected) => {
    const server = serverWith((each) => each.registerTool('t', {}, () => returned));
    expect((await callTool(server, 't')).result).toMatchObject({ ...expected, resultType: 'complete' });
  });

  it('may come as anything that has a then', async () => {
    const member = 'then';
    const thenable = { [member]: (resolve: (value: unknown) => void) => resolve(text('later')) };
    const server = serverWith((each) => each.registerTool('t', {}, () => thenable as never));
    expect(textOf(await callTool(server, 't'))).toBe('later');
  });

  it('keeps members that nobody knows, and _meta', async () => {
    const server = serverWith((each) => each.registerTool('t', {}, () => ({ content: [], own: [1], _meta: { a: 1 } })));
    expect((await callTool(server, 't')).result).toMatchObject({ own: [1], _meta: { a: 1 } });
    expect((await legacy(server, 'tools/call', { name: 't' })).result).toEqual({
      content: [],
      own: [1],
      _meta: { a: 1 },
    });
  });
});

describe('structured output', () => {
  const outputSchema = z.object({ a: z.string().default('x') });

  it('is sent as the schema has it: with defaults, without what it does not know', async () => {
    const server = serverWith((each) =>
      each.registerTool('t', { outputSchema }, () => ({ structuredContent: { other: 1 } as object })),
    );
    const { result } = await callTool(server, 't');
    expect(result).toMatchObject({ structuredContent: { a: 'x' }, content: [{ text: '{"a":"x"}' }] });
    expect(result?.structuredContent).toEqual({ a: 'x' });
    expect((await legacy(server, 'tools/call', { name: 't' })).result?.structuredContent).toEqual({ a: 'x' });
  });

  it.each([
    ['does not fit', { structuredContent: { a: 5 } }],
    ['is missing', { content: [] }],
    ['is no object', { structuredContent: 'x' }],
    ['is null', { structuredContent: null }],
  ])('that %s is an error of the tool, and a fault for the operator', async (_what, returned) => {
    const json = { type: 'object', properties: { a: { type: 'string' } } };
    const asynchronous = z.object({ a: z.string().refine(async () => true) });
    for (const schema of [outputSchema, json, asynchronous]) {
      const server = serverWith((each) => each.registerTool('t', { outputSchema: schema }, () => returned));
      const faults = faultsOf(server);
      const { status, result } = await callTool(server, 't');
      expect({ status, isError: result?.isError }).toEqual({ status: 200, isError: true });
      expect(result).not.toHaveProperty('structuredContent');
      expect(faults).toMatchObject([{ where: 'tools/call t', error: expect.any(TypeError) }]);
    }
  });

  it('is not asked of a result that says it is an error', async () => {
    const server = serverWith((each) =>
      each.registerTool('t', { outputSchema }, () => ({ isError: true, content: [{ type: 'text', text: 'no' }] })),
    );
    const faults = faultsOf(server);
    expect((await callTool(server, 't')).result).toMatchObject({ isError: true, content: [{ text: 'no' }] });
    expect(faults).toEqual([]);
  });

  it.each([
    ['a list', z.array(z.number()), [1, 2]],
    ['text', z.string(), 'x'],
    ['0', z.number(), 0],
    ['null', z.null(), null],
    ['a choice', z.union([z.object({ a: z.number() }), z.string()]), { a: 1 }],
  ])('may be any JSON value, wrapped for legacy clients as its schema is: %s', async (_what, schema, value) => {
    const server = serverWith((each) =>
      each.registerTool('t', { outputSchema: schema }, () => ({ structuredContent: value })),
    );
    expect((await callTool(server, 't')).result?.structuredContent).toEqual(value);
    const { result } = await legacy(server, 'tools/call', { name: 't' });
    expect(result?.structuredContent).toEqual({ result: value });
    const listed = (await legacy(server, 'tools/list')).result?.tools;
    expect(listed).toMatchObject([{ outputSchema: { type: 'object', required: ['result'] } }]);
    const modernList = (await modern(server, 'tools/list')).result?.tools;
    expect(modernList).not.toMatchObject([{ outputSchema: { properties: { result: {} } } }]);
  });
});
