import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { ServerContext, ToolUpdate } from '../../../src/registry/registry.ts';
import { createOptimizedServer, OptimizedMCPServer } from '../../../src/server.ts';
import type { CallToolResult, InputRequiredResult } from '../../../src/wire/wire.ts';
import { callTool, modern } from '../support/http.ts';
import { codeOf, textOf } from '../support/messages.ts';
import { gate, IDENTITY, serverWith, settle, text } from '../support/test-server.ts';
import { cachedTool, READ_ONLY } from './cached-tool.ts';

const CACHE = { scope: 'public', ttlSeconds: 60 } as const;
const ANY = { type: 'object' };
const BY_OLD = () => text('old');
const BY_NEW = () => text('new');

/** A server with a tool that answers `old`, asked once. */
async function warm(config: object = { inputSchema: ANY }) {
  const server = serverWith();
  const tool = server.registerTool('find', { ...READ_ONLY, cache: CACHE, ...config }, BY_OLD);
  expect(textOf(await callTool(server, 'find', { q: 1 }))).toBe('old');
  return { server, tool };
}

describe('a tool that changes', () => {
  const changes: [string, ToolUpdate][] = [
    ['its handler', { callback: BY_NEW }],
    ['its input schema too', { callback: BY_NEW, paramsSchema: { type: 'object', properties: { q: {} } } }],
    ['its output schema too', { callback: BY_NEW, outputSchema: undefined as never, description: 'other' }],
    ['its scope too', { callback: BY_NEW, cache: { scope: 'private' } }],
  ];
  it.each(changes)('gives new answers after a change of %s', async (_title, update) => {
    const { server, tool } = await warm();
    tool.update(update);
    expect(textOf(await callTool(server, 'find', { q: 1 }))).toBe('new');
  });

  it('gives its answers to none while it is disabled, and again afterwards', async () => {
    const { server, tool } = await warm();
    tool.disable();
    expect(codeOf(await callTool(server, 'find', { q: 1 }))).toBe(-32602);
    tool.enable();
    expect(textOf(await callTool(server, 'find', { q: 1 }))).toBe('old');
    expect(server.cache.statistics().computations).toBe(1);
  });

  it('takes its answers along nowhere when it is removed or renamed', async () => {
    const { server, tool } = await warm();
    tool.update({ name: 'seek' });
    expect(codeOf(await callTool(server, 'find', { q: 1 }))).toBe(-32602);
    server.registerTool('find', { ...READ_ONLY, inputSchema: ANY, cache: CACHE }, BY_NEW);
    expect(textOf(await callTool(server, 'find', { q: 1 }))).toBe('new');
    expect(textOf(await callTool(server, 'seek', { q: 1 }))).toBe('old');
    tool.remove();
    expect(codeOf(await callTool(server, 'seek', { q: 1 }))).toBe(-32602);
  });

  it('leaves no answers to one that takes its place', async () => {
    const { server, tool } = await warm();
    tool.remove();
    const next = server.registerTool('find', { ...READ_ONLY, inputSchema: ANY, cache: CACHE }, BY_NEW);
    expect(textOf(await callTool(server, 'find', { q: 1 }))).toBe('new');
    next.remove();
    server.registerTool('find', { ...READ_ONLY, inputSchema: ANY, cache: CACHE }, BY_OLD).update({ callback: BY_NEW });
    expect(textOf(await callTool(server, 'find', { q: 1 }))).toBe('new');
  });

  it('leaves none either to a renamed one that was changed as often', async () => {
    const { server, tool } = await warm();
    tool.update({ callback: () => text('changed') });
    expect(textOf(await callTool(server, 'find', { q: 1 }))).toBe('changed');
    tool.remove();
    const other = server.registerTool('other', { ...READ_ONLY, inputSchema: ANY, cache: CACHE }, BY_NEW);
    other.update({ name: 'find' });
    expect(textOf(await callTool(server, 'find', { q: 1 }))).toBe('new');
  });

  it('while it answers, keeps no answer of before', async () => {
    const hold = gate();
    const { server } = await warm();
    const tool = server.registerTool('slow', { ...READ_ONLY, cache: CACHE }, async () => {
      await hold.opened;
      return text('old');
    });
    const early = callTool(server, 'slow');
    await settle();
    tool.update({ callback: BY_NEW });
    hold.open();
    expect(textOf(await early)).toBe('old');
    expect(textOf(await callTool(server, 'slow'))).toBe('new');
    expect(server.cache.statistics().size).toBe(2);
  });

  it('while a schema checks, keeps no answer to what the old one made of the arguments', async () => {
    const hold = gate();
    const limited = (limit: number, wait: Promise<void>) =>
      z.object({ limit: z.number().default(limit) }).refine(async () => {
        await wait;
        return true;
      });
    const server = serverWith();
    const handler = ({ limit }: { limit: number }) => text(`limit ${limit}`);
    const tool = server.registerTool(
      'find',
      { ...READ_ONLY, inputSchema: limited(10, hold.opened), cache: { ...CACHE, key: () => 'one' } },
      handler,
    );
    const early = callTool(server, 'find');
    await settle();
    tool.update({ paramsSchema: limited(20, Promise.resolve()) });
    hold.open();
    expect(textOf(await early)).toBe('limit 10');
    expect(textOf(await callTool(server, 'find'))).toBe('limit 20');
  });
});

describe('what an answer belongs to besides', () => {
  it('is its tool: names and arguments that read alike are others', async () => {
    const server = serverWith((each) => {
      for (const name of ['a', 'a:', ':a', '__proto__', 'constructor'])
        each.registerTool(name, { ...READ_ONLY, inputSchema: ANY, cache: CACHE }, () => text(`by ${name}`));
    });
    for (const name of ['a', 'a:', ':a', '__proto__', 'constructor'])
      for (const _ of [1, 2]) expect(textOf(await callTool(server, name, { ':': 1 }))).toBe(`by ${name}`);
  });

  it('is all of its arguments, whatever their names', async () => {
    const { server, runs } = cachedTool();
    const texts = ['{"__proto__":1}', '{"__proto__":2}', '{"constructor":1}', '{"a":{"b":1}}', '{"a":{},"b":1}', '{}'];
    for (const written of [...texts, ...texts]) await callTool(server, 'find', JSON.parse(written));
    expect(runs).toHaveLength(texts.length);
  });

  it('is its arguments as they came, whatever a handler does to them', async () => {
    const { server, runs } = cachedTool({}, ({ args, number }) => {
      const answer = text(`run ${number} of ${JSON.stringify(args)}`);
      args.q = 'changed';
      (args.list as string[]).push('more');
      return answer;
    });
    for (const _ of [1, 2, 3])
      expect(textOf(await callTool(server, 'find', { q: 'a', list: [] }))).toBe('run 1 of {"q":"a","list":[]}');
    expect(textOf(await callTool(server, 'find', { q: 'changed', list: ['more'] }))).toContain('run 2');
    expect(runs).toHaveLength(2);
  });
});

describe('an overridden executeTool', () => {
  class Overriding extends OptimizedMCPServer {
    readonly seen: string[] = [];

    protected override async executeTool(
      name: string,
      args: unknown,
      context?: ServerContext,
    ): Promise<CallToolResult | InputRequiredResult> {
      this.seen.push(name);
      if ((args as { fail?: boolean }).fail === true) throw new Error('refused');
      return super.executeTool(name, args, context);
    }
  }

  it('makes the answers that are kept, and is not asked for these again', async () => {
    const server = createOptimizedServer(Overriding, IDENTITY);
    server.registerTool('find', { ...READ_ONLY, inputSchema: ANY, cache: CACHE }, BY_OLD);
    server.registerTool('plain', { inputSchema: ANY }, BY_OLD);
    for (const name of ['find', 'find', 'plain', 'plain']) await callTool(server, name);
    for (const _ of [1, 2])
      expect((await callTool(server, 'find', { fail: true })).result).toMatchObject({ isError: true });
    expect(server.seen).toEqual(['find', 'plain', 'plain', 'find', 'find']);
  });
});

describe('a check that stands before the handler', () => {
  const mapped = {
    inputSchema: { type: 'object', properties: { city: { type: 'string', 'x-mcp-header': 'City' } } },
  };

  it('is made for kept answers too: mapped headers', async () => {
    const { server, runs } = cachedTool(CACHE, undefined, { tool: mapped });
    const ask = (city: string) => callTool(server, 'find', { city: 'Oslo' }, { headers: { 'Mcp-Param-City': city } });
    for (const _ of [1, 2]) expect(textOf(await ask('Oslo'))).toBe('run 1');
    expect(await ask('Rome')).toMatchObject({ status: 400, error: { code: -32020 } });
    expect(codeOf(await callTool(server, 'find', { city: 'Oslo' }))).toBe(-32020);
    expect(runs).toHaveLength(1);
  });

  it('is made for kept answers too: envelope, names and the shape of arguments', async () => {
    const { server } = cachedTool(CACHE);
    await callTool(server, 'find', { q: 1 });
    const params = { name: 'find', arguments: { q: 1 } };
    const status = async (meta: object) => (await modern(server, 'tools/call', params, { meta: { ...meta } })).status;
    expect(await status({ 'io.modelcontextprotocol/clientCapabilities': 5 })).toBe(400);
    expect(await status({ 'io.modelcontextprotocol/logLevel': 'loud' })).toBe(400);
    expect(await status({ progressToken: {} })).toBe(400);
    const other = { headers: { 'Mcp-Name': 'other' } };
    expect(codeOf(await modern(server, 'tools/call', params, other))).toBe(-32020);
    expect(codeOf(await callTool(server, 'find', [1]))).toBe(-32602);
  });
});
