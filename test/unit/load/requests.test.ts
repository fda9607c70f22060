import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/kernel/random.ts';
import { PostTemplate } from '../../../src/load/http-request.ts';
import { judgeAnswer, type LoadConnection, McpRequests, type ServerFacts } from '../../../src/load/load.ts';

const FACTS: ServerFacts = {
  url: new URL('http://127.0.0.1:3000/mcp?x=1'),
  protocol: '2026-07-28',
  era: 'modern',
  tools: [
    {
      name: 'søk',
      inputSchema: {
        type: 'object',
        properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
        required: ['region'],
      },
    },
    { name: 'plain', inputSchema: { type: 'object' } },
  ],
};
const requests = (more: Partial<ConstructorParameters<typeof McpRequests>[0]> = {}): McpRequests =>
  new McpRequests({
    facts: FACTS,
    mix: [{ name: 'søk', weight: 1 }],
    args: new Map([['søk', [{ region: 'Zürich' }]]]),
    headers: [['Authorization', 'Bearer t']],
    client: { name: 'test', version: '1' },
    random: seededRandom(1),
    variants: 5,
    ...more,
  });

/** A request's header lines and its body. */
function parts(wire: Uint8Array | string): { readonly lines: string[]; readonly body: unknown } {
  const [head = '', body = ''] = Buffer.from(wire as string, 'latin1')
    .toString('latin1')
    .split('\r\n\r\n');
  return { lines: head.split('\r\n'), body: JSON.parse(body) };
}

describe('McpRequests', () => {
  it('writes a modern call with all that repeats it in headers, in ASCII', () => {
    const { wire, operation } = requests().next();
    const { lines, body } = parts(wire);
    expect(operation).toBe(0);
    expect(lines[0]).toBe('POST /mcp?x=1 HTTP/1.1');
    expect(lines).toEqual(
      expect.arrayContaining([
        'Host: 127.0.0.1:3000',
        'MCP-Protocol-Version: 2026-07-28',
        'Mcp-Method: tools/call',
        `Mcp-Name: =?base64?${Buffer.from('søk').toString('base64')}?=`,
        `Mcp-Param-Region: =?base64?${Buffer.from('Zürich').toString('base64')}?=`,
        'Authorization: Bearer t',
      ]),
    );
    expect(body).toMatchObject({ method: 'tools/call', params: { name: 'søk', arguments: { region: 'Zürich' } } });
  });

  it('writes a legacy call without an envelope, and with a session where there is one', () => {
    const { wire } = requests({ facts: { ...FACTS, era: 'legacy', protocol: '2025-11-25' } }).nextWith(
      'Mcp-Session-Id: abc\r\n',
    );
    const { lines, body } = parts(wire);
    expect(lines).toContain('Mcp-Session-Id: abc');
    expect(lines.some((line) => line.startsWith('Mcp-Method'))).toBe(false);
    expect(body).toEqual({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'søk', arguments: { region: 'Zürich' } },
    });
  });

  it('draws from as many calls as are wanted, and calls a tool without arguments by one', () => {
    const many = requests({ mix: [{ name: 'søk', weight: 1 }], args: new Map() });
    const bodies = new Set(Array.from({ length: 200 }, () => String(many.next().wire)));
    expect(bodies.size).toBe(5);
    const one = requests({ mix: [{ name: 'plain', weight: 1 }], args: new Map() });
    expect(new Set(Array.from({ length: 20 }, () => one.next().wire)).size).toBe(1);
  });

  it('refuses what the server does not have', () => {
    expect(() => requests({ mix: [{ name: 'nothing', weight: 1 }] })).toThrow(
      'the server has no tool "nothing"; it has søk, plain',
    );
  });

  it('refuses header values that would be more than that', () => {
    expect(() => new PostTemplate('/', [['A', 'b\r\nC: d']], {})).toThrow('header "A": not a header value');
    expect(() => new PostTemplate('/', [['A', 'ł']], {})).toThrow(RangeError);
  });
});

describe('judgeAnswer', () => {
  const judge = (status: number, body: unknown): string | undefined =>
    judgeAnswer({
      status,
      body: () => Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    } as unknown as LoadConnection);

  it.each([
    ['a result', 200, { jsonrpc: '2.0', id: 1, result: { content: [] } }, undefined],
    [
      'a text that speaks of errors',
      200,
      { result: { content: [{ type: 'text', text: '{"error": 1, "isError":true}' }] } },
      undefined,
    ],
    ['structured content with a member "error"', 200, { result: { structuredContent: { error: null } } }, undefined],
    ['an event stream', 200, 'event: message\ndata: {"result":{}}\n\n', undefined],
    ['a tool error', 200, { result: { isError: true } }, 'tool error'],
    [
      'a tool error in a stream',
      200,
      'event: message\ndata: {"method":"x"}\n\ndata: {"result":{"isError":true}}\n\n',
      'tool error',
    ],
    ['a JSON-RPC error', 200, { id: 1, error: { code: -32602, message: '' } }, 'JSON-RPC error -32602'],
    ['another status', 503, { error: { code: -32010 } }, 'HTTP 503 (-32010)'],
    ['a status without JSON', 502, '<html>', 'HTTP 502'],
    ['something else', 200, 'hello', 'an answer without a result'],
    ['broken JSON', 200, '{"error":', 'an answer that is no JSON-RPC message'],
  ])('%s', (_name, status, body, wrong) => {
    expect(judge(status, body)).toBe(wrong);
  });
});
