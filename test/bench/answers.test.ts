import { describe, expect, it } from 'vitest';
import { differenceFrom, expectedAnswer, firstDifference, parseAnswer } from '../../bench/scenarios/answers.ts';
import { fixedAnswer } from '../../bench/scenarios/fixed-answer.ts';
import { CALL_VARIANTS, requestOf, SCENARIOS, toPrepared } from '../../bench/scenarios/scenarios.ts';
import { toolsOf } from '../../bench/servers/tools.ts';
import { calledTool, FIELDS_PER_TOOL, TOOLSETS } from '../../bench/servers/toolsets.ts';

describe('toolsets', () => {
  it('have as many tools and fields as their names say', () => {
    const toolsets = TOOLSETS.map(toolsOf);
    expect(toolsets.map((tools) => tools.length)).toEqual([3, 53, 500]);
    expect(toolsets.map((tools) => new Set(tools.map(({ name }) => name)).size)).toEqual([3, 53, 500]);
    const fields = toolsOf('53x25').map(({ config }) => Object.keys(config.inputSchema.shape).length);
    expect(new Set(fields)).toEqual(new Set([FIELDS_PER_TOOL]));
  });

  it.each(TOOLSETS)('%s: the arguments of every call are valid, and differ', (toolset) => {
    const tool = toolsOf(toolset).find(({ name }) => name === calledTool(toolset));
    const requests = Array.from({ length: CALL_VARIANTS }, (_, index) => requestOf(toolset, 'call-modern', index));
    for (const { args } of requests) {
      expect(tool?.config.inputSchema.safeParse(args)).toEqual({ success: true, data: args });
    }
    expect(new Set(requests.map(({ body }) => body)).size).toBe(CALL_VARIANTS);
    expect(new Set(requests.map(({ body }) => body.length)).size).toBeGreaterThan(20);
  });

  it('has a long answer of exactly the length asked for', async () => {
    const tool = toolsOf('53x25').find(({ name }) => name === 'long_answer');
    const answer = await tool?.handler({ bytes: 150_000, seed: 42 });
    expect(answer?.content[0]?.text).toHaveLength(150_000);
    expect(answer?.content[0]?.text.startsWith('42 ')).toBe(true);
  });
});

describe('requests', () => {
  it('carry their headers and the exact length', () => {
    const text = toPrepared(requestOf('3', 'call-modern', 5), 8_080).bytes.toString();
    const [head = '', body = ''] = text.split('\r\n\r\n');
    expect(head).toContain('host: 127.0.0.1:8080\r\n');
    expect(head).toContain('mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: record_item\r\n');
    expect(head).toContain(`content-length: ${Buffer.byteLength(body)}`);
    expect(JSON.parse(body)).toMatchObject({ id: 185, params: { name: 'record_item', arguments: { count: 39_595 } } });
  });
});

describe('answers', () => {
  it('are equal whatever the order of keys, with or without a description in serverInfo', async () => {
    const expected = await expectedAnswer('3', 'call-modern', requestOf('3', 'call-modern', 1));
    const { result, ...rest } = structuredClone(expected) as { result: { _meta: Record<string, object> } };
    result._meta = { 'io.modelcontextprotocol/serverInfo': { version: '1.0.0', name: 'bench-server' } };
    expect(differenceFrom(JSON.stringify({ result, ...rest }), expected)).toBeUndefined();
    expect(
      differenceFrom(`event: message\ndata: ${JSON.stringify({ result, ...rest })}\n\n`, expected),
    ).toBeUndefined();
  });

  it('are shown where they differ', async () => {
    expect(firstDifference({ a: [1, 2] }, { a: [1, 3] })).toBe('$.a.1: got 2, expected 3');
    expect(firstDifference({ a: 1, b: 2 }, { a: 1 })).toBe('$.b: got 2, expected nothing');
    expect(firstDifference({ a: null }, { a: {} })).toBe('$.a: got null, expected {}');
    expect(differenceFrom('no json', {})).toMatch(/"no json"/);
    expect(() => parseAnswer('data: 1\n\ndata: 2\n\n')).toThrow(/2 messages/);
  });

  it.each(SCENARIOS)('%s has a fixed answer', async (scenario) => {
    expect(JSON.parse(await fixedAnswer('53x25', scenario))).toHaveProperty('result');
  });
});
