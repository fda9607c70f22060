import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import * as z from 'zod';
import { CallFrame } from '../../../src/protocol/call-frame.ts';
import type { RequestHead } from '../../../src/transport/transport.ts';
import { type JsonRpcRequest, MODERN_VERSION } from '../../../src/wire/wire.ts';
import { type CallParts, callParts, callText, mutation, shape } from '../support/call-texts.ts';
import { headOf, type Posted, TestEntry } from '../support/http-entry.ts';
import { legacyRequest, type MessageOptions, modernRequest } from '../support/messages.ts';
import { text } from '../support/test-server.ts';

const REGION = { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } };

function entryWithTools(limits?: Record<string, number>): TestEntry {
  const entry = new TestEntry(limits);
  entry.registry.registerTool('echo', { inputSchema: { type: 'object' } }, (args, context) => {
    const { mcpReq, clientInfo, clientCapabilities } = context;
    return text({ args, id: mcpReq.id, meta: mcpReq._meta, envelope: mcpReq.envelope, clientInfo, clientCapabilities });
  });
  entry.registry.registerTool('region', { inputSchema: REGION }, (args) => text(args));
  entry.registry.registerTool('typed', { inputSchema: z.object({ n: z.int() }) }, ({ n }) => text(n));
  return entry;
}

function modernHead(name: string, fields: Partial<RequestHead> = {}): RequestHead {
  return headOf({ protocolVersion: MODERN_VERSION, mcpMethod: 'tools/call', mcpName: name, ...fields });
}

function callOf(id: number, args: unknown, name = 'echo', options: MessageOptions = {}): string {
  return JSON.stringify(modernRequest('tools/call', { name, arguments: args }, { id, ...options }));
}

/** The texts that are parsed while something runs. */
function parsedBy(run: () => void): string[] {
  const parse = vi.spyOn(JSON, 'parse');
  run();
  const texts = parse.mock.calls.map(([each]) => each);
  parse.mockRestore();
  return texts;
}

/** Posts calls until one is served from a frame, and checks that the next one is. */
function warmUp(entry: TestEntry, head: RequestHead, name = 'echo', args: unknown = { region: 'eu' }): void {
  for (let id = 1; id <= 3; id++) expect(entry.post(head, callOf(id, args, name)).status).toBe(200);
  const texts = parsedBy(() => entry.post(head, callOf(4, args, name)));
  expect(texts).toEqual([JSON.stringify(args)]);
}

describe('a call like the ones before it', () => {
  it('has only its arguments parsed, and the same answer as by itself', () => {
    const entry = entryWithTools();
    const head = modernHead('echo');
    warmUp(entry, head);
    for (const args of [{}, { id: 1, arguments: { id: 2 } }, { 'ü"\\': ['😀', null, -0, 1e300] }]) {
      const body = callOf(77, args);
      let framed: Posted | undefined;
      expect(parsedBy(() => (framed = entry.post(head, body)))).toEqual([JSON.stringify(args)]);
      expect(framed).toEqual(entry.post(modernHead('echo'), body));
    }
  });

  it('is recognised in legacy revisions, too', () => {
    const entry = entryWithTools();
    const head = headOf({ protocolVersion: '2025-11-25' });
    const body = (id: number): string =>
      JSON.stringify(legacyRequest('tools/call', { name: 'echo', arguments: { n: id } }, id));
    for (let id = 1; id <= 3; id++) entry.post(head, body(id));
    let framed: Posted | undefined;
    expect(parsedBy(() => (framed = entry.post(head, body(44))))).toEqual(['{"n":44}']);
    expect(framed).toEqual(entry.post(headOf({ protocolVersion: '2025-11-25' }), body(44)));
  });

  it('is recognised between others, with its id before or behind the rest', () => {
    const entry = entryWithTools();
    const head = modernHead('echo');
    const last = (id: number): string => `${callOf(0, { n: id }).replace('"id":0,', '').slice(0, -1)},"id":${id}}`;
    const bodies = Array.from({ length: 40 }, (_, id) => (id % 3 === 0 ? last(id) : callOf(id, { n: id })));
    let parsed = 0;
    for (const body of bodies) {
      let posted: Posted | undefined;
      parsed += parsedBy(() => (posted = entry.post(head, body))).includes(body) ? 1 : 0;
      expect(posted).toEqual(entry.post(modernHead('echo'), body));
    }
    expect(parsed).toBeLessThan(30);
    const own = modernHead('echo');
    for (let id = 0; id < 3; id++) entry.post(own, last(id));
    expect(parsedBy(() => entry.post(own, last(0)))).toEqual(['{"n":0}']);
  });

  it.each([
    ['-7', '"id":-7'],
    ['a text', '"id":"7"'],
    ['a leading zero', '"id":07'],
    ['nothing', '"id":'],
    ['more digits than are safe', '"id":9007199254740993'],
    ['a fraction', '"id":7.5'],
  ])('is parsed whole when its id is %s', (_what, id) => {
    const entry = entryWithTools();
    const head = modernHead('echo');
    warmUp(entry, head);
    const body = callOf(4, {}).replace('"id":4', id);
    expect(entry.post(head, body)).toEqual(entry.post(modernHead('echo'), body));
  });

  it.each([
    ['10e-1', '00e-1'],
    ['1.00000000000000000000001', '0.00000000000000000000001'],
  ])('is not learnt from an id written as %s: another digit in its place is no id', (first, other) => {
    const entry = entryWithTools();
    const last = (id: string): string => `${callOf(0, {}).replace('"id":0,', '').slice(0, -1)},"id":${id}}`;
    const initial = (id: string): string => callOf(0, {}).replace('"id":0', `"id":${id}`);
    for (const body of [last, initial]) {
      const head = modernHead('echo');
      for (let call = 0; call < 3; call++) expect(entry.post(head, body(first)).status).toBe(200);
      expect(entry.post(head, body(other)).status).toBe(400);
      expect(entry.post(head, body(other))).toEqual(entry.post(modernHead('echo'), body(other)));
    }
  });
});

describe('what a frame does not remember', () => {
  it('the tool: it may be disabled, renamed, replaced or removed', () => {
    const entry = entryWithTools();
    const head = modernHead('echo');
    const tool = entry.registry.tools.get('echo');
    const answer = (): { result?: { content?: { text: string }[] }; error?: { code: number } } =>
      JSON.parse(entry.post(head, callOf(9, {})).text);
    warmUp(entry, head);
    tool?.disable();
    expect(answer().error?.code).toBe(-32602);
    tool?.enable();
    tool?.update({ callback: () => text('replaced') });
    expect(answer().result?.content?.[0]?.text).toBe('replaced');
    tool?.update({ name: 'other' });
    expect(answer().error?.code).toBe(-32602);
    entry.registry.registerTool('echo', {}, () => text('another tool'));
    expect(answer().result?.content?.[0]?.text).toBe('another tool');
    entry.registry.tools.get('echo')?.remove();
    expect(answer().error?.code).toBe(-32602);
  });

  it('the arguments that headers repeat, nor which these are', () => {
    const entry = entryWithTools();
    const head = modernHead('region', { params: new Map([['region', 'eu']]) });
    warmUp(entry, head, 'region');
    const framed = entry.post(head, callOf(5, { region: 'us' }, 'region'));
    expect(framed).toMatchObject({ status: 400, text: expect.stringContaining('"id":5') });
    expect(JSON.parse(framed.text).error.code).toBe(-32020);
    expect(entry.post(head, callOf(6, { region: 'eu' }, 'region')).status).toBe(200);
    entry.registry.tools.get('region')?.update({ paramsSchema: { type: 'object' } });
    expect(entry.post(head, callOf(7, { region: 'us' }, 'region')).status).toBe(200);
    const properties = { zone: { type: 'string', 'x-mcp-header': 'Zone' } };
    entry.registry.tools.get('region')?.update({ paramsSchema: { type: 'object', properties } });
    expect(JSON.parse(entry.post(head, callOf(8, { zone: 'z' }, 'region')).text).error.code).toBe(-32020);
  });

  it('the bounds of a message: depth and elements count as in a whole one', () => {
    const entry = entryWithTools({ maxJsonDepth: 8, maxJsonElements: 400 });
    const head = modernHead('echo');
    const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
    warmUp(entry, head);
    const statuses = [5, 6, 7].map((depth) => entry.post(head, callOf(depth, { deep: nested(depth) })).status);
    expect(statuses).toEqual([200, 400, 400]);
    const many = (count: number): string => callOf(1, { many: Array.from({ length: count }, () => 1) });
    for (const count of [50, 380, 390, 395, 400, 500]) {
      expect(entry.post(head, many(count))).toEqual(entry.post(modernHead('echo'), many(count)));
    }
    expect(entry.post(head, many(380)).status).toBe(200);
    expect(entry.post(head, many(500)).status).toBe(400);
  });

  it('what a handler did to the envelope and the other members of _meta', () => {
    const entry = new TestEntry();
    type Loose = Record<string, Record<string, unknown>>;
    entry.registry.registerTool('careless', { inputSchema: { type: 'object' } }, (_args, { mcpReq, clientInfo }) => {
      const seen = JSON.stringify([mcpReq._meta, mcpReq.envelope, clientInfo]);
      ((mcpReq._meta as Loose).own as Record<string, unknown>).changed = true;
      Object.assign(mcpReq.envelope ?? {}, { changed: true });
      Object.assign(clientInfo ?? {}, { name: 'changed' });
      return text(seen);
    });
    const head = modernHead('careless');
    const meta = { own: { list: [{ a: 1 }] }, 'io.modelcontextprotocol/clientInfo': { name: 'c', version: '1' } };
    const texts = [1, 2, 3, 4, 5].map((id) => {
      const { result } = JSON.parse(entry.post(head, callOf(id, {}, 'careless', { meta })).text);
      return result.content[0].text;
    });
    expect(texts[0]).not.toContain('changed');
    expect(new Set(texts).size).toBe(1);
  });
});

it('keeps little of long calls in memory', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const megabyte = 'x'.repeat(1_000_000);
  const learn = (index: number): CallFrame => {
    const body = callOf(index, { index, megabyte });
    const frame = CallFrame.of(body, JSON.parse(body) as JsonRpcRequest, true);
    expect(frame?.fits(callOf(index, { index, megabyte: `${megabyte}!` }))).toBe(true);
    expect(frame?.takeArguments().length).toBeGreaterThan(1_000_000);
    return frame as CallFrame;
  };
  collect();
  const before = process.memoryUsage().heapUsed;
  const frames = Array.from({ length: 50 }, (_, index) => learn(index));
  collect();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(10_000_000);
  expect(frames.every((frame) => frame.fits(callOf(3, {})))).toBe(true);
});

it('does not learn from a call whose envelope is long', () => {
  const body = callOf(1, {}, 'echo', { meta: { long: 'x'.repeat(20_000) } });
  expect(CallFrame.of(body, JSON.parse(body) as JsonRpcRequest, true)).toBe(undefined);
});

/** What is posted on one connection: each call as it is, or with a small change. */
const step = fc.record({ parts: callParts, change: fc.option(mutation, { freq: 3, nil: undefined }) });

describe('a sequence of calls on one connection', () => {
  it('has the same answers as if each had come on its own', () => {
    const taken = vi.spyOn(CallFrame.prototype, 'takeArguments');
    onTestFinished(() => taken.mockRestore());
    let posts = 0;
    const entry = entryWithTools({ maxJsonDepth: 9, maxJsonElements: 1_000 });
    const headFor = (isModern: boolean, name: string): RequestHead =>
      isModern ? modernHead(name, { params: new Map([['region', 'eu']]) }) : headOf({ protocolVersion: '2025-06-18' });
    const post = (head: RequestHead, body: string): unknown => {
      posts++;
      return entry.post(head, body);
    };
    fc.assert(
      fc.property(shape, fc.array(step, { minLength: 6, maxLength: 16 }), (client, steps) => {
        const head = headFor(client.isModern, client.name);
        const usual: CallParts = { id: '1', args: '{"a":1}' };
        for (let call = 0; call < 3; call++) post(head, callText(client, usual));
        for (const { parts, change } of steps) {
          const whole = callText(client, parts);
          const body = change === undefined ? whole : change(whole, parts);
          expect(post(head, body)).toEqual(post(headFor(client.isModern, client.name), body));
        }
      }),
      { numRuns: 600 },
    );
    expect(posts).toBeGreaterThan(6_000);
    expect(taken.mock.calls.length).toBeGreaterThan(600);
  });
});
