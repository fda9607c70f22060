import { describe, expect, it } from 'vitest';
import { inputRequired } from '../../../src/registry/registry.ts';
import { ErrorCode, MetaKey } from '../../../src/wire/wire.ts';
import { callTool, modern, modernFields, post, type Reply, readReply } from '../support/http.ts';
import { envelope, modernRequest } from '../support/messages.ts';
import { serverWith, type TestServer, text } from '../support/test-server.ts';

/** One server for all rows: no row may leave a trace that another sees. */
const server: TestServer = serverWith(
  (each) => {
    each.registerTool('t', { inputSchema: { type: 'object', properties: { n: { type: 'number' } } } }, () =>
      text('fine'),
    );
    each.registerTool('ask', {}, () => inputRequired({ inputRequests: { k: inputRequired.listRoots() } }));
    each.registerResource('r', 'x://r', {}, () => ({ contents: [{ uri: 'x://r', text: '' }] }));
  },
  { limits: { maxBodyBytes: 2_048, maxSubscriptions: 0 } },
);

const LIST = modernRequest('tools/list');
const FIELDS = modernFields('tools/list', {});

async function send(body: unknown, fields: Record<string, string | null> = FIELDS): Promise<Reply> {
  return readReply(await post(server, body, fields));
}

function without(key: string): unknown {
  const { [key]: _left, ...meta } = envelope();
  return { ...LIST, params: { _meta: meta } };
}

function withMeta(key: string, value: unknown): unknown {
  return { ...LIST, params: { _meta: envelope({ meta: { [key]: value } }) } };
}

const V999 = withMeta(MetaKey.protocolVersion, 'v999');

type Row = readonly [what: string, status: number, code: number, ask: () => Promise<Reply>];

/** The error table of the protocol brief, row by row. */
const ROWS: readonly Row[] = [
  ['not JSON', 400, -32700, () => send('{"jsonrpc":')],
  ['an empty body', 400, -32700, () => send('')],
  [
    'bytes that are not UTF-8',
    400,
    -32700,
    async () => {
      const headers = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', ...FIELDS };
      const body = Buffer.concat([
        Buffer.from('{"jsonrpc":"2.0","id":"'),
        Buffer.from([0xff]),
        Buffer.from('","method":"tools/list"}'),
      ]);
      return readReply(await server.fetch(new Request('http://localhost/mcp', { method: 'POST', headers, body })));
    },
  ],
  ['not JSON-RPC', 400, -32600, () => send({ method: 'tools/list' })],
  ['a scalar', 400, -32600, () => send('5')],
  ['null as id', 400, -32600, () => send({ ...LIST, id: null })],
  ['a fraction as id', 400, -32600, () => send({ ...LIST, id: 1.5 })],
  ['an object as id', 400, -32600, () => send({ ...LIST, id: {} })],
  ['parameters by position', 400, -32600, () => send({ ...LIST, params: [] })],
  ['a modern batch', 400, -32600, () => send([LIST])],
  ['an empty batch', 400, -32600, () => send([])],
  ['JSON that is too deep', 400, -32600, () => send('['.repeat(65) + ']'.repeat(65))],
  ['an unknown method', 404, -32601, () => modern(server, 'tools/none')],
  ['no method at all', 404, -32601, () => modern(server, '')],
  ['a method of the past: initialize', 404, -32601, () => modern(server, 'initialize')],
  ['a method of the past: ping', 404, -32601, () => modern(server, 'ping')],
  ['a method of the past: logging/setLevel', 404, -32601, () => modern(server, 'logging/setLevel', { level: 'debug' })],
  [
    'a method of the past: resources/subscribe',
    404,
    -32601,
    () => modern(server, 'resources/subscribe', { uri: 'x://r' }),
  ],
  [
    'a method of the past: resources/unsubscribe',
    404,
    -32601,
    () => modern(server, 'resources/unsubscribe', { uri: 'x://r' }),
  ],
  ['a list of a kind that the server does not have', 404, -32601, () => modern(server, 'prompts/list')],
  ['a method of the client', 404, -32601, () => modern(server, 'sampling/createMessage')],
  ['no envelope under a modern header', 400, -32602, () => send({ ...LIST, params: {} })],
  ['no parameters under a modern header', 400, -32602, () => send({ jsonrpc: '2.0', id: 1, method: 'tools/list' })],
  ['no protocol version in the envelope', 400, -32602, () => send(without(MetaKey.protocolVersion))],
  ['no client capabilities', 400, -32602, () => send(without(MetaKey.clientCapabilities))],
  ['capabilities that are no object', 400, -32602, () => send(withMeta(MetaKey.clientCapabilities, []))],
  ['client information without a name', 400, -32602, () => send(withMeta(MetaKey.clientInfo, { version: '1' }))],
  ['a log level that does not exist', 400, -32602, () => send(withMeta(MetaKey.logLevel, 'loud'))],
  ['a version that is no text', 400, -32602, () => send(withMeta(MetaKey.protocolVersion, 5))],
  ['a version header that disagrees', 400, -32020, () => send(V999)],
  ['a method header that disagrees', 400, -32020, () => send(LIST, { ...FIELDS, 'Mcp-Method': 'tools/call' })],
  ['no version header', 400, -32020, () => send(LIST, { ...FIELDS, 'MCP-Protocol-Version': null })],
  ['no method header', 400, -32020, () => send(LIST, { ...FIELDS, 'Mcp-Method': null })],
  ['no name header', 400, -32020, () => callTool(server, 't', {}, { headers: { 'Mcp-Name': null } })],
  ['a name header that disagrees', 400, -32020, () => callTool(server, 't', {}, { headers: { 'Mcp-Name': 'T' } })],
  ['a capability that is missing', 400, -32021, () => callTool(server, 'ask')],
  ['a version that is not supported', 400, -32022, () => send(V999, { ...FIELDS, 'MCP-Protocol-Version': 'v999' })],
  ['an unknown tool', 200, -32602, () => callTool(server, 'none')],
  ['an unknown resource', 200, -32602, () => modern(server, 'resources/read', { uri: 'x://none' })],
  [
    'state that was tampered with',
    200,
    -32602,
    () => modern(server, 'tools/call', { name: 't', requestState: 'AAAA' }),
  ],
  ['arguments that are no object', 200, -32602, () => callTool(server, 't', [])],
  ['a name that is no text', 200, -32602, () => modern(server, 'tools/call', { name: 5 })],
  ['overload', 503, -32010, () => modern(server, 'subscriptions/listen', { notifications: {} })],
];

describe('the error table', () => {
  it.each(ROWS)('%s: %i and %i', async (_what, status, code, ask) => {
    const reply = await ask();
    expect({ status: reply.status, code: reply.error?.code }).toEqual({ status, code });
    expect(reply.jsonrpc).toBe('2.0');
    expect(reply.error?.message).toMatch(/\S/);
    expect(reply).not.toHaveProperty('result');
    expect(reply.headers.get('content-type')).toBe('application/json');
    expect(reply.headers.has('mcp-session-id')).toBe(false);
  });

  it('shows what is supported beside what was asked for (-32022)', async () => {
    const reply = await send(V999, { ...FIELDS, 'MCP-Protocol-Version': 'v999' });
    expect(reply.error?.data).toEqual({ supported: ['2026-07-28'], requested: 'v999' });
    const older = await send(withMeta(MetaKey.protocolVersion, '2025-11-25'), {
      ...FIELDS,
      'MCP-Protocol-Version': '2025-11-25',
    });
    expect(older).toMatchObject({ status: 400, error: { code: -32022, data: { requested: '2025-11-25' } } });
    const newer = await send(withMeta(MetaKey.protocolVersion, '2027-01-01'), {
      ...FIELDS,
      'MCP-Protocol-Version': '2027-01-01',
    });
    expect(newer).toMatchObject({ status: 400, error: { code: -32022, data: { requested: '2027-01-01' } } });
  });

  it('names the required capabilities as an object (-32021)', async () => {
    expect((await callTool(server, 'ask')).error?.data).toEqual({ requiredCapabilities: { roots: {} } });
  });

  it('asks to come back later when it is overloaded', async () => {
    const { headers } = await modern(server, 'subscriptions/listen', { notifications: {} });
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('answers arguments that do not fit with a result: isError, 200', async () => {
    const reply = await callTool(server, 't', { n: 'x' });
    expect(reply).toMatchObject({ status: 200, result: { isError: true, resultType: 'complete' } });
  });

  it.each([['text'], [''], [0], [-7], [2 ** 53 - 1]])('echoes the id %j in every error', async (id) => {
    for (const reply of [
      await modern(server, 'none', {}, { id }),
      await callTool(server, 'none', {}, { id }),
      await callTool(server, 't', {}, { id, headers: { 'Mcp-Name': 'x' } }),
      await send({ ...(V999 as object), id }),
      await send({ jsonrpc: '2.0', id, method: 5 }),
    ]) {
      expect(reply.error).toBeDefined();
      expect(reply.id).toBe(id);
    }
  });

  it.each([['{'], ['[]'], [JSON.stringify({ ...LIST, id: null })], [JSON.stringify({ ...LIST, id: 1.5 })]])(
    'has no id, not even null, where none can be told: %s',
    async (body) => {
      expect(await send(body)).not.toHaveProperty('id');
    },
  );

  it('uses no code of its own within the reserved range', () => {
    const reserved: number[] = Object.values(ErrorCode).filter((code) => code <= -32020 && code >= -32099);
    expect(reserved.sort((a, b) => b - a)).toEqual([-32020, -32021, -32022]);
    const own = Object.values(ErrorCode).filter((code) => code > -32020);
    for (const code of own) expect(code).toBeGreaterThanOrEqual(-32019);
  });
});
