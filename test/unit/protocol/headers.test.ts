import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { callTool, encoded, type Fields, modern, modernFields, openModern, post, readReply } from '../support/http.ts';
import { modernRequest, textOf } from '../support/messages.ts';
import { serverWith, type TestServer, text } from '../support/test-server.ts';

const base64 = (value: string): string => `=?base64?${Buffer.from(value, 'utf8').toString('base64')}?=`;

describe('Mcp-Method and MCP-Protocol-Version', () => {
  const server = serverWith((each) => each.registerTool('t', {}, () => text('fine')));
  const list = (headers: Fields): Promise<unknown> => modern(server, 'tools/list', {}, { headers });
  const mismatch = { status: 400, error: { code: -32020, message: expect.stringContaining('Header mismatch') } };

  it.each([
    ['blanks around', { 'Mcp-Method': '  tools/list\t', 'MCP-Protocol-Version': ' 2026-07-28 ' }],
    ['other fields', { 'X-Own': 'y', Cookie: 'a=b', Authorization: 'Bearer z' }],
    ['a name that the method has no use for', { 'Mcp-Name': 'x' }],
  ])('may have %s', async (_what, headers) => {
    expect(await list(headers)).toMatchObject({ status: 200, result: { tools: [{}] } });
  });

  it.each([
    ['another case of the method', { 'Mcp-Method': 'Tools/List' }],
    ['another method', { 'Mcp-Method': 'tools/call' }],
    ['an empty method', { 'Mcp-Method': '' }],
    ['a method twice', { 'Mcp-Method': 'tools/list, tools/list' }],
    ['no method', { 'Mcp-Method': null }],
    ['no version', { 'MCP-Protocol-Version': null }],
    ['an empty version', { 'MCP-Protocol-Version': '' }],
    ['another version', { 'MCP-Protocol-Version': '2025-11-25' }],
    ['a version twice', { 'MCP-Protocol-Version': '2026-07-28, 2026-07-28' }],
    ['a version with something behind', { 'MCP-Protocol-Version': '2026-07-28-rc' }],
  ])('may not have %s', async (_what, headers) => {
    expect(await list(headers)).toMatchObject(mismatch);
  });
});

describe('Mcp-Name', () => {
  const names = [
    'plain',
    'Ünï',
    ' padded ',
    '=?base64?literal?=',
    'line\u00a0one',
    '\ufeffmarked',
    'a,b',
    '"quoted"',
    '=?x',
    '?=',
  ];
  const server: TestServer = serverWith((each) => {
    for (const name of names) {
      each.registerTool(name, {}, () => text(name));
      each.registerPrompt(name, {}, () => ({ messages: [{ role: 'user', content: { type: 'text', text: name } }] }));
    }
    each.registerResource('r', 'x://r/%20?q=1#f', {}, (uri) => ({ contents: [{ uri: uri.href, text: '' }] }));
  });

  it.each(names)('repeats the name, in Base64 where it must or may: %j', async (name) => {
    for (const header of new Set([base64(name), encoded(name)])) {
      expect(textOf(await callTool(server, name, undefined, { headers: { 'Mcp-Name': header } }))).toBe(name);
      const { result } = await modern(server, 'prompts/get', { name }, { headers: { 'Mcp-Name': header } });
      expect(result).toMatchObject({ messages: [{ content: { text: name } }] });
    }
    for (const header of ['plain ', 'PLAIN', base64('PLAIN'), '=?base64?!?=', '']) {
      if (header.trim() === name) continue;
      expect(await callTool(server, name, undefined, { headers: { 'Mcp-Name': header } })).toMatchObject({
        status: 400,
        error: { code: -32020 },
      });
    }
  });

  it('repeats the URI of a resource', async () => {
    const uri = 'x://r/%20?q=1#f';
    for (const header of [uri, base64(uri), ` ${uri} `]) {
      expect((await modern(server, 'resources/read', { uri }, { headers: { 'Mcp-Name': header } })).status).toBe(200);
    }
    for (const header of [null, 'x://r/ ?q=1#f', uri.toUpperCase(), 'x://r/%20?q=1']) {
      expect(await modern(server, 'resources/read', { uri }, { headers: { 'Mcp-Name': header } })).toMatchObject({
        status: 400,
        error: { code: -32020 },
      });
    }
  });

  it.each(['tools/call', 'prompts/get', 'resources/read'])('must be there: %s', async (method) => {
    const params = { name: 'plain', uri: 'x://r/%20?q=1#f' };
    expect(await modern(server, method, params, { headers: { 'Mcp-Name': null } })).toMatchObject({
      status: 400,
      error: { code: -32020 },
    });
  });

  it('is compared for names that do not exist, too', async () => {
    expect(await callTool(server, 'none', undefined, { headers: { 'Mcp-Name': 'plain' } })).toMatchObject({
      error: { code: -32020 },
    });
    expect(await callTool(server, 'none')).toMatchObject({ status: 200, error: { code: -32602 } });
  });

  it('agrees with every name that a client encodes, and with no other', async () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
    const cases = fc.asyncProperty(text, text, async (name, other) => {
      const own = await modern(server, 'tools/call', { name }, { headers: { 'Mcp-Name': encoded(name) } });
      expect(own.error?.code).not.toBe(-32020);
      fc.pre(name !== other);
      const foreign = await modern(server, 'tools/call', { name }, { headers: { 'Mcp-Name': encoded(other) } });
      expect(foreign.error?.code).toBe(-32020);
    });
    await fc.assert(cases, { numRuns: 200 });
  });
});

describe('Mcp-Param-*', () => {
  const inputSchema = {
    type: 'object',
    properties: {
      region: { type: 'string', 'x-mcp-header': 'Region' },
      count: { type: 'integer', 'x-mcp-header': 'Count' },
      sure: { type: 'boolean', 'x-mcp-header': 'Sure' },
      deep: { type: 'object', properties: { key: { type: 'string', 'x-mcp-header': 'Deep-Key' } } },
      free: {},
    },
  };
  const server = serverWith((each) => {
    each.registerTool('json', { inputSchema }, (args) => text(args));
    const region = z.string().optional().meta({ 'x-mcp-header': 'Region' });
    each.registerTool('zod', { inputSchema: z.object({ region }) }, (args) => text(args));
  });
  const PREFIX = 'Mcp-Param-';

  const rows: readonly (readonly [string, unknown, Record<string, string>, boolean])[] = [
    ['the same text', { region: 'eu' }, { Region: 'eu' }, true],
    ['the same text in Base64', { region: 'eu' }, { Region: base64('eu') }, true],
    ['blanks around the header', { region: 'eu' }, { Region: ' eu ' }, true],
    ['another case of the name', { region: 'eu' }, { REGION: 'eu' }, true],
    ['other text', { region: 'eu' }, { Region: 'us' }, false],
    ['another case of the value', { region: 'eu' }, { Region: 'EU' }, false],
    ['no header', { region: 'eu' }, {}, false],
    ['an empty header for empty text', { region: '' }, { Region: '' }, true],
    ['no header for empty text', { region: '' }, {}, false],
    ['Base64 that is none', { region: 'eu' }, { Region: '=?base64?e?=' }, false],
    ['Base64 that is no UTF-8', { region: '\ufffd' }, { Region: '=?base64?/w==?=' }, false],
    ['text beyond ASCII in Base64', { region: 'Zürich 世界' }, { Region: base64('Zürich 世界') }, true],
    ['text with blanks in Base64', { region: ' eu ' }, { Region: base64(' eu ') }, true],
    ['text with blanks as it is', { region: ' eu ' }, { Region: ' eu ' }, false],
    ['an argument that is absent', {}, {}, true],
    ['an argument that is null', { region: null }, {}, true],
    ['a header without its argument, which is not expected', {}, { Region: 'eu' }, true],
    ['no arguments at all', undefined, {}, true],
    ['an integer', { count: 42 }, { Count: '42' }, true],
    ['an integer as a fraction of nothing', { count: 42 }, { Count: '42.0' }, true],
    ['a negative integer', { count: -7 }, { Count: '-7' }, true],
    ['zero', { count: 0 }, { Count: '0' }, true],
    ['zero without a header', { count: 0 }, {}, false],
    ['another integer', { count: 42 }, { Count: '43' }, false],
    ['an integer that nearly is', { count: 42 }, { Count: '42.5' }, false],
    ['an empty header for zero', { count: 0 }, { Count: '' }, false],
    ['an integer that is not decimal', { count: 16 }, { Count: '0x10' }, false],
    ['an integer with text behind', { count: 42 }, { Count: '42abc' }, false],
    ['text for an integer, which the schema refuses later', { count: 'x' }, { Count: 'x' }, true],
    ['other text for an integer', { count: 'x' }, { Count: 'y' }, false],
    ['an integer for text', { region: 42 }, { Region: '42' }, true],
    ['an integer for text, written differently', { region: 42 }, { Region: '42.0' }, false],
    ['true', { sure: true }, { Sure: 'true' }, true],
    ['false', { sure: false }, { Sure: 'false' }, true],
    ['false without a header', { sure: false }, {}, false],
    ['True', { sure: true }, { Sure: 'True' }, false],
    ['1 for true', { sure: true }, { Sure: '1' }, false],
    ['a nested argument', { deep: { key: 'k' } }, { 'Deep-Key': 'k' }, true],
    ['another nested argument', { deep: { key: 'k' } }, { 'Deep-Key': 'x' }, false],
    ['a nested argument without a header', { deep: { key: 'k' } }, {}, false],
    ['a nested argument that is absent', { deep: {} }, {}, true],
    ['an argument that no header repeats', { free: 'x' }, { Free: 'y' }, true],
    ['a header that nothing declares', {}, { Unknown: 'x' }, true],
    [
      'all at once',
      { region: 'eu', count: 1, sure: true, deep: { key: 'k' } },
      { Region: 'eu', Count: '1', Sure: 'true', 'Deep-Key': 'k' },
      true,
    ],
    [
      'all but one',
      { region: 'eu', count: 1, sure: true, deep: { key: 'k' } },
      { Region: 'eu', Count: '1', 'Deep-Key': 'k' },
      false,
    ],
  ];

  it.each(rows)('%s', async (_what, args, params, agrees) => {
    const headers = Object.fromEntries(Object.entries(params).map(([name, value]) => [PREFIX + name, value]));
    const reply = await callTool(server, 'json', args, { headers });
    if (agrees) expect(reply.error).toBe(undefined);
    else
      expect(reply).toMatchObject({
        status: 400,
        error: { code: -32020, message: expect.stringMatching(/mcp-param-/i) },
      });
  });

  it('are checked whatever library the schema is of', async () => {
    expect(await callTool(server, 'zod', { region: 'eu' })).toMatchObject({ status: 400, error: { code: -32020 } });
    expect(
      (await callTool(server, 'zod', { region: 'eu' }, { headers: { 'Mcp-Param-Region': 'eu' } })).result,
    ).toBeDefined();
  });

  it('follow the tool when its schema changes', async () => {
    const own = serverWith();
    const handle = own.registerTool('t', { inputSchema }, () => text('fine'));
    handle.update({ paramsSchema: { type: 'object', properties: { region: { type: 'string' } } } });
    expect(textOf(await callTool(own, 't', { region: 'eu' }))).toBe('fine');
    handle.update({
      paramsSchema: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Area' } } },
    });
    expect(await callTool(own, 't', { region: 'eu' }, { headers: { 'Mcp-Param-Region': 'eu' } })).toMatchObject({
      error: { code: -32020 },
    });
    expect(textOf(await callTool(own, 't', { region: 'eu' }, { headers: { 'Mcp-Param-Area': 'eu' } }))).toBe('fine');
  });
});

describe('framing', () => {
  const server = serverWith((each) => each.registerTool('t', {}, () => text('fine')), {
    limits: { maxBodyBytes: 4_096 },
  });
  const list = async (headers: Fields): Promise<number> =>
    (await openModern(server, 'tools/list', {}, { headers })).status;

  it.each([
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
  ])('takes the media type %s', async (type) => {
    expect(await list({ 'Content-Type': type })).toBe(200);
  });

  it.each([
    'text/plain',
    'application/jsonl',
    'application/json-rpc',
    'text/json',
    'application/json; charset=latin1',
    'multipart/form-data',
  ])('refuses the media type %s with 415', async (type) => {
    expect(await list({ 'Content-Type': type })).toBe(415);
  });

  it.each([
    'application/json, text/event-stream',
    '*/*',
    'application/*',
    'application/json;q=0.9, text/event-stream;q=0.1',
  ])('accepts Accept: %s', async (accept) => {
    expect(await list({ Accept: accept })).toBe(200);
  });

  it.each(['text/html', 'image/*', 'text/event-stream'])('refuses Accept: %s with 406', async (accept) => {
    expect(await list({ Accept: accept })).toBe(406);
  });

  it('counts the body while it reads: 413 above the limit, exactly', async () => {
    const message = modernRequest('tools/list', { pad: '' });
    const size = JSON.stringify(message).length;
    const padded = (bytes: number): unknown => ({
      ...message,
      params: { ...message.params, pad: 'x'.repeat(bytes - size) },
    });
    expect((await post(server, padded(4_096), modernFields('tools/list', {}))).status).toBe(200);
    expect((await post(server, padded(4_097), modernFields('tools/list', {}))).status).toBe(413);
  });

  it('does not read on when the body is too large', async () => {
    let pulled = 0;
    const body = new ReadableStream({
      pull(controller) {
        pulled++;
        controller.enqueue(new Uint8Array(1_024));
      },
    });
    const init = { method: 'POST', body, duplex: 'half' as const, headers: { 'Content-Type': 'application/json' } };
    expect((await server.fetch(new Request('http://localhost/mcp', init))).status).toBe(413);
    expect(pulled).toBeLessThan(20);
  });

  it.each([
    [{ Host: 'localhost:3000' }, 200],
    [{ Host: '127.0.0.1' }, 200],
    [{ Host: '[::1]:80' }, 200],
    [{ Host: 'evil.example' }, 403],
    [{ Host: 'localhost.evil.example' }, 403],
    [{ Host: '' }, 403],
    [{ Origin: 'http://localhost:8080' }, 200],
    [{ Origin: 'https://127.0.0.1' }, 200],
    [{ Origin: 'https://evil.example' }, 403],
    [{ Origin: 'http://localhost.evil.example' }, 403],
    [{ Origin: 'null' }, 403],
    [{ Origin: 'file://localhost' }, 403],
    [{ Origin: '' }, 403],
  ])('on loopback, %o is answered %i', async (headers, status) => {
    expect(await list(headers as Fields)).toBe(status);
  });

  it('lets an operator name hosts and origins', async () => {
    const open = serverWith((each) => each.registerTool('t', {}, () => text('')), {
      http: { allowedHosts: ['api.example'], allowedOrigins: ['https://app.example'] },
    });
    const status = async (headers: Fields): Promise<number> =>
      (await openModern(open, 'tools/list', {}, { headers })).status;
    expect(await status({ Host: 'api.example:443', Origin: 'https://app.example' })).toBe(200);
    expect(await status({ Host: 'API.example' })).toBe(200);
    expect(await status({ Host: 'localhost' })).toBe(403);
    expect(await status({ Host: 'api.example', Origin: 'https://api.example' })).toBe(403);
    expect(await status({ Host: 'api.example', Origin: 'http://app.example' })).toBe(403);
  });

  it('answers a notification with 202 and nothing else', async () => {
    const reply = await readReply(await post(server, { jsonrpc: '2.0', method: 'notifications/x' }));
    expect({ status: reply.status, text: reply.text }).toEqual({ status: 202, text: '' });
    expect(reply.headers.has('content-type')).toBe(false);
  });
});
