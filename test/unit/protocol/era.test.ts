import { describe, expect, it } from 'vitest';
import { LEGACY_VERSIONS, MetaKey } from '../../../src/wire/wire.ts';
import { type Fields, modernFields, post, type Reply, readReply } from '../support/http.ts';
import { envelope, type Rpc } from '../support/messages.ts';
import { Peer } from '../support/peer.ts';
import { serverWith, text } from '../support/test-server.ts';

const server = serverWith((each) =>
  each.registerTool('t', {}, ({ mcpReq }) => text(JSON.stringify(mcpReq.envelope ?? null))),
);
const MODERN = '2026-07-28';
const INITIALIZE = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } };

function request(method: string, params?: object): Rpc {
  return { jsonrpc: '2.0', id: 1, method, ...(params ? { params: params as Record<string, unknown> } : {}) };
}

const claim = (version: unknown): object => ({ _meta: envelope({ meta: { [MetaKey.protocolVersion]: version } }) });

async function send(body: unknown, fields: Fields = {}): Promise<Reply> {
  return readReply(await post(server, body, fields));
}

const withVersion = (version: string | null): Fields => ({ 'MCP-Protocol-Version': version });

describe('the era over HTTP', () => {
  type Expected = { readonly era: 'modern' | 'legacy' } | { readonly status: number; readonly code?: number };
  const legacy: Expected = { era: 'legacy' };
  const modern: Expected = { era: 'modern' };
  const rows: readonly (readonly [string, unknown, Fields, Expected])[] = [
    ['a claim and its headers', request('tools/list', claim(MODERN)), modernFields('tools/list', {}), modern],
    ['neither claim nor header', request('tools/list', {}), {}, legacy],
    ['no parameters at all', request('tools/list'), {}, legacy],
    ['_meta without a claim', request('tools/list', { _meta: { progressToken: 1 } }), {}, legacy],
    ['a legacy header without a claim', request('tools/list', {}), withVersion('2025-06-18'), legacy],
    ['a modern header without a claim', request('tools/list', {}), withVersion(MODERN), { status: 400, code: -32602 }],
    [
      'a later header without a claim',
      request('tools/list', {}),
      withVersion('2027-01-01'),
      { status: 400, code: -32602 },
    ],
    [
      'an unknown header without a claim',
      request('tools/list', {}),
      withVersion('v999'),
      { status: 400, code: -32000 },
    ],
    ['an older header than any', request('tools/list', {}), withVersion('2024-01-01'), { status: 400, code: -32000 }],
    [
      'a claim without a header',
      request('tools/list', claim(MODERN)),
      { 'Mcp-Method': 'tools/list' },
      { status: 400, code: -32020 },
    ],
    [
      'a claim under a legacy header',
      request('tools/list', claim(MODERN)),
      { ...modernFields('tools/list', {}), ...withVersion('2025-11-25') },
      { status: 400, code: -32020 },
    ],
    [
      'a claim of a legacy version',
      request('tools/list', claim('2025-11-25')),
      { ...modernFields('tools/list', {}), ...withVersion('2025-11-25') },
      { status: 400, code: -32022 },
    ],
    [
      'a claim of nothing',
      request('tools/list', claim(null)),
      modernFields('tools/list', {}),
      { status: 400, code: -32602 },
    ],
    [
      'a claim of an object',
      request('tools/list', claim({})),
      modernFields('tools/list', {}),
      { status: 400, code: -32602 },
    ],
    ['initialize', request('initialize', INITIALIZE), {}, legacy],
    ['initialize under a legacy header', request('initialize', INITIALIZE), withVersion('2025-03-26'), legacy],
    [
      'initialize under a modern header',
      request('initialize', INITIALIZE),
      withVersion(MODERN),
      { status: 400, code: -32020 },
    ],
    [
      'initialize with a whole modern claim',
      request('initialize', { ...INITIALIZE, ...claim(MODERN) }),
      modernFields('initialize', {}),
      { status: 404, code: -32601 },
    ],
    ['initialize with a legacy claim', request('initialize', { ...INITIALIZE, ...claim('2025-11-25') }), {}, legacy],
    [
      'initialize with half a claim',
      request('initialize', { ...INITIALIZE, _meta: { [MetaKey.protocolVersion]: MODERN } }),
      {},
      legacy,
    ],
    ['server/discover without a claim', request('server/discover', {}), {}, { status: 200, code: -32601 }],
    ['ping without a claim', request('ping'), {}, legacy],
    ['a response', { jsonrpc: '2.0', id: 1, result: {} }, {}, { status: 202 }],
    ['a response under a modern header', { jsonrpc: '2.0', id: 1, result: {} }, withVersion(MODERN), { status: 202 }],
    ['a response that is an error', { jsonrpc: '2.0', id: 1, error: { code: 1, message: 'm' } }, {}, { status: 202 }],
    ['a notification', { jsonrpc: '2.0', method: 'notifications/initialized' }, {}, { status: 202 }],
    [
      'a notification under a legacy header',
      { jsonrpc: '2.0', method: 'n' },
      withVersion('2025-11-25'),
      { status: 202 },
    ],
    [
      'a notification under a modern header',
      { jsonrpc: '2.0', method: 'n' },
      { ...withVersion(MODERN), 'Mcp-Method': 'n' },
      { status: 202 },
    ],
    [
      'a notification with a claim',
      { jsonrpc: '2.0', method: 'n', params: claim(MODERN) },
      { ...withVersion(MODERN), 'Mcp-Method': 'n' },
      { status: 202 },
    ],
    [
      'a notification whose headers disagree',
      { jsonrpc: '2.0', method: 'n' },
      { ...withVersion(MODERN), 'Mcp-Method': 'm' },
      { status: 400, code: -32020 },
    ],
    [
      'a notification whose claim disagrees',
      { jsonrpc: '2.0', method: 'n', params: claim(MODERN) },
      withVersion('2025-11-25'),
      { status: 400, code: -32020 },
    ],
    [
      'a notification with a claim of nothing',
      { jsonrpc: '2.0', method: 'n', params: claim(5) },
      withVersion(MODERN),
      { status: 400, code: -32602 },
    ],
    [
      'a notification under an unknown header',
      { jsonrpc: '2.0', method: 'n' },
      withVersion('v999'),
      { status: 400, code: -32000 },
    ],
    ['a legacy batch', [request('ping'), { jsonrpc: '2.0', method: 'n' }], {}, { status: 200 }],
    ['an empty batch', [], {}, { status: 400, code: -32600 }],
    [
      'a batch with a claim in it',
      [request('ping'), request('tools/list', claim(MODERN))],
      {},
      { status: 400, code: -32600 },
    ],
    ['a batch with something invalid in it', [request('ping'), 5], {}, { status: 400, code: -32600 }],
  ];

  it.each(rows)('is decided by the body first: %s', async (_what, body, fields, expected) => {
    const reply = await send(body, fields);
    if ('era' in expected) {
      expect(reply).toMatchObject({ status: 200, result: {} });
      expect(reply.result?.resultType).toBe(expected.era === 'modern' ? 'complete' : undefined);
      return;
    }
    expect({ status: reply.status, code: reply.error?.code }).toEqual({ status: expected.status, code: expected.code });
    if (expected.status === 202) expect(reply.text).toBe('');
  });

  it.each(['GET', 'DELETE', 'PUT', 'HEAD', 'OPTIONS', 'PATCH'])(
    '%s is refused with 405 where no sessions are served',
    async (method) => {
      const stateless = serverWith(undefined, { sessions: false });
      const response = await stateless.fetch(new Request('http://localhost/mcp', { method }));
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toBe('POST');
    },
  );

  it('knows all legacy versions by their header', async () => {
    for (const version of LEGACY_VERSIONS) {
      expect(await send(request('tools/list', {}), withVersion(version))).toMatchObject({
        status: 200,
        result: { tools: [{}] },
      });
    }
  });

  it('never mints, reads or echoes a session, nor an event id: the modern one, and the other without sessions', async () => {
    const foreign = { 'Mcp-Session-Id': 'abc', 'Last-Event-ID': '7' };
    const stateless = serverWith((each) => each.registerTool('t', {}, () => text('')), { sessions: false });
    for (const [to, fields] of [
      [server, modernFields('tools/list', {})],
      [stateless, withVersion('2025-11-25')],
    ] as const) {
      const body = request('tools/list', 'Mcp-Method' in fields ? claim(MODERN) : {});
      const reply = await readReply(await post(to, body, { ...fields, ...foreign }));
      expect(reply.status).toBe(200);
      expect([...reply.headers.keys()].filter((name) => /session|event/.test(name))).toEqual([]);
    }
  });
});

describe('the era on a connection', () => {
  it('is decided by each message for itself', async () => {
    const peer = await Peer.to(server);
    expect((await peer.modern('tools/list')).result).toHaveProperty('resultType');
    expect((await peer.legacy('tools/list')).result).not.toHaveProperty('resultType');
    expect((await peer.modern('tools/list')).result).toHaveProperty('resultType');
    expect((await peer.legacy('initialize', INITIALIZE)).result).toHaveProperty('protocolVersion', '2025-11-25');
    expect((await peer.modern('tools/list')).result).toHaveProperty('resultType');
  });

  it('is not pinned by server/discover, which is a probe', async () => {
    const peer = await Peer.to(server);
    const { result } = await peer.modern('server/discover');
    expect(result).toMatchObject({ supportedVersions: [MODERN], capabilities: { tools: {} } });
    expect((await peer.legacy('initialize', INITIALIZE)).result).toHaveProperty('protocolVersion', '2025-11-25');
  });

  it('has the same errors as HTTP, as far as they have nothing to do with headers', async () => {
    const peer = await Peer.to(server);
    const code = async (params: object): Promise<number | undefined> =>
      (await peer.legacy('tools/list', params as Record<string, unknown>)).error?.code;
    expect(await code(claim('v999'))).toBe(-32022);
    expect(await code(claim('2025-11-25'))).toBe(-32022);
    expect(await code(claim(5))).toBe(-32602);
    expect(await code({ _meta: { [MetaKey.protocolVersion]: MODERN } })).toBe(-32602);
    expect((await peer.modern('initialize', INITIALIZE)).error?.code).toBe(-32601);
    expect((await peer.modern('ping')).error?.code).toBe(-32601);
  });

  it('goes on after what cannot be read', async () => {
    const peer = await Peer.to(server);
    for (const wrong of ['{', 'x', '', '5', 'null', '[]', '{"jsonrpc":"2.0"}', '['.repeat(100)]) peer.send(wrong);
    peer.send({ jsonrpc: '2.0', id: 9, method: 5 });
    peer.send({ jsonrpc: '2.0', id: null, method: 'ping' });
    expect((await peer.legacy('ping')).result).toEqual({});
    const errors = peer.messages.filter(({ error }) => error !== undefined);
    expect(errors.map(({ error, id }) => [error?.code, id])).toEqual([
      [-32700, undefined],
      [-32700, undefined],
      [-32700, undefined],
      [-32600, undefined],
      [-32600, undefined],
      [-32600, undefined],
      [-32600, undefined],
      [-32600, undefined],
      [-32600, 9],
      [-32600, undefined],
    ]);
    expect(peer.texts.some((each) => each.includes('"id":null'))).toBe(false);
  });
});
