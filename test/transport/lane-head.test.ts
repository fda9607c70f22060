import { describe, expect, it } from 'vitest';
import { isJsonMediaType, NOT_LANE, parseLaneHead } from '../../src/transport/http/lane-head.ts';

const LINE = 'POST /mcp HTTP/1.1\r\n';
const NEEDED = ['Host: localhost', 'Content-Type: application/json', 'Content-Length: 2'];

const parse = (...lines: readonly string[]) => parseLaneHead(LINE + lines.join('\r\n'), LINE.length);

describe('isJsonMediaType', () => {
  it.each([
    'application/json',
    'APPLICATION/JSON',
    'application/json; charset=utf-8',
    'application/json;charset=UTF8',
    'application/json; charset="utf-8"',
    'application/json ; charset=utf-8 ; x=y',
    'application/json; profile="a b"',
    'application/json;',
  ])('takes %s', (value) => {
    expect(isJsonMediaType(value)).toBe(true);
  });

  it.each([
    '',
    'text/plain',
    'application/jsonx',
    'application/json-rpc',
    'application/json, text/plain',
    'application/json; charset=latin1',
    'application/json; charset="utf-16"',
    'application/json; charset=utf-80',
    'application/json; charset=',
  ])('does not take %s', (value) => {
    expect(isJsonMediaType(value)).toBe(false);
  });
});

describe('parseLaneHead', () => {
  it('reads the fields of the protocol, whatever their case and blanks', () => {
    const head = parse(
      ...NEEDED,
      'ACCEPT:\ttext/event-stream ',
      'authorization: Bearer x',
      'Mcp-Protocol-Version:2026-07-28',
      'MCP-METHOD: tools/call',
      'mcp-name:',
      'Mcp-Session-Id: s',
      'Last-Event-ID: 7',
      'Mcp-Param-Region: eu',
      'MCP-PARAM-x: a, b',
      'X-Other: o',
    );
    expect(head).toMatchObject({
      host: 'localhost',
      contentLength: 2,
      accept: 'text/event-stream',
      authorization: 'Bearer x',
      protocolVersion: '2026-07-28',
      mcpMethod: 'tools/call',
      mcpName: '',
      sessionId: 's',
      lastEventId: '7',
    });
    expect([...(head?.params ?? [])]).toEqual([
      ['region', 'eu'],
      ['x', 'a, b'],
    ]);
  });

  it('has all fields, repeated ones joined, in the form of the web platform', () => {
    const head = parse(...NEEDED, 'X-A: 1', 'x-a: 2', 'Cookie: a=b', '__proto__: p');
    expect(Object.fromEntries(head?.all() ?? [])).toEqual(
      Object.fromEntries([
        ['content-length', '2'],
        ['content-type', 'application/json'],
        ['cookie', 'a=b'],
        ['host', 'localhost'],
        ['x-a', '1, 2'],
        ['__proto__', 'p'],
      ]),
    );
  });

  it('finds any field by its name', () => {
    const head = parse('Peregrine-Attempt:  2 ', ...NEEDED, 'X-Last: end');
    const found = ['peregrine-attempt', 'x-last', 'host', 'attempt', 'x-las'].map((name) => head?.field(name));
    expect(found).toEqual(['2', 'end', 'localhost', undefined, undefined]);
  });

  it('takes a thousand fields and not one more, as node:http does', () => {
    const more = (count: number): string[] => Array.from({ length: count }, () => 'a:');
    expect(parse(...NEEDED, ...more(997))).not.toBe(NOT_LANE);
    expect(parse(...NEEDED, ...more(998))).toBe(NOT_LANE);
  });

  it.each(NEEDED)('does not go without %s', (line) => {
    expect(parse(...NEEDED.filter((other) => other !== line))).toBe(NOT_LANE);
  });

  it.each([
    ...NEEDED,
    'Accept: */*',
    'Authorization: a',
    'Origin: http://localhost',
    'Mcp-Method: a',
    'Mcp-Name: a',
    'Mcp-Protocol-Version: a',
    'Mcp-Session-Id: a',
    'Last-Event-Id: a',
    'Mcp-Param-A: a',
  ])('does not take %s twice', (line) => {
    const name = line.slice(0, line.indexOf(':')).toLowerCase();
    const others = NEEDED.filter((other) => !other.toLowerCase().startsWith(name));
    expect(parse(...others, line, line.toUpperCase())).toBe(NOT_LANE);
    expect(parse(...others, line, `${name}:`)).toBe(NOT_LANE);
  });

  it.each([
    'Transfer-Encoding: chunked',
    'Content-Encoding: gzip',
    'Connection: close',
    'Connection: keep-alive, Upgrade',
    'Connection:',
    'Proxy-Connection: keep-alive',
    'Upgrade: h2c',
    'Expect: 100-continue',
    'Trailer: X',
    'TE: trailers',
    'no colon',
    ': no name',
    'Space : 1',
    ' Folded: 1',
    'Na\u00efve: 1',
    'X: caf\u00e9',
    'X: \u0000',
    'X: \u007f',
    'X: a\nY: b',
    'X: a\rY: b',
    'X: a\r',
    '',
  ])('leaves a block with %j to node:http', (line) => {
    expect(parse(...NEEDED, line, 'Last: 1')).toBe(NOT_LANE);
  });

  it.each(['', '+2', '-2', '02', '0x2', '2.0', '2 2', '2, 2', '2e0', '99999999999', '\u0662'])(
    'does not take %j for a length',
    (length) => {
      expect(parse(...NEEDED.slice(0, 2), `Content-Length: ${length}`)).toBe(NOT_LANE);
    },
  );
});
