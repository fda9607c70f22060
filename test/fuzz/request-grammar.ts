import type { Random } from './random.ts';

/** A request before it becomes bytes; every part can be wrong. Texts are Latin-1: one character is one byte. */
export interface Draft {
  method: string;
  target: string;
  version: string;
  /** The end of the request line, and of each field that has none of its own. */
  eol: string;
  fields: Field[];
  /** The line that ends the header block. */
  end: string;
  body: string;
}

/** One line of a header block. */
export interface Field {
  name: string;
  /** What stands between name and value. */
  colon: string;
  value: string;
  eol?: string;
}

const TCHAR = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const VISIBLE = `${TCHAR} (),/:;<=>?@[\\]{}"`;

const COMMON: readonly (readonly [name: string, values: readonly string[]])[] = [
  ['Accept', ['application/json, text/event-stream', '*/*', 'application/json', 'text/event-stream', '']],
  ['Authorization', ['Bearer abc.def', 'Basic Zm9vOmJhcg==', '']],
  ['MCP-Protocol-Version', ['2025-11-25', '2026-07-28', '2025-06-18', 'x']],
  ['Mcp-Method', ['tools/call', 'tools/list', 'ping']],
  ['Mcp-Name', ['echo', '=?base64?w6k=?=', 'a b']],
  ['Mcp-Session-Id', ['0123456789abcdef', '*']],
  ['Last-Event-ID', ['7', '']],
  ['Mcp-Param-Region', ['eu-west', 'a, b', '']],
  ['mcp-param-x', ['1', 'true']],
  ['MCP-PARAM-Long-Name_9', ['\tindented']],
  ['User-Agent', ['fuzz/1.0', 'Mozilla/5.0 (X11)']],
  ['Accept-Encoding', ['gzip, deflate', 'identity']],
  ['Accept-Language', ['*']],
  ['Cache-Control', ['no-cache']],
  ['Connection', ['keep-alive', 'Keep-Alive']],
  ['Keep-Alive', ['timeout=5, max=100']],
  ['Cookie', ['a=b; c=d']],
  ['Origin', ['http://localhost:3000', 'http://127.0.0.1']],
  ['Sec-Fetch-Mode', ['cors']],
  ['Traceparent', ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01']],
  ['X-Forwarded-For', ['10.0.0.1', '10.0.0.1, 10.0.0.2']],
  ['__proto__', ['polluted']],
  ['constructor', ['x']],
];

const HOSTS = ['127.0.0.1', 'localhost', 'localhost:3000', '[::1]', '[::1]:3000', 'LOCALHOST'] as const;
const TYPES = [
  'application/json',
  'application/json; charset=utf-8',
  'Application/JSON',
  'application/json;charset="UTF-8"',
];
const GAPS = [': ', ': ', ': ', ': ', ':', ':\t', ':  ', ': \t '] as const;

/** A request that the lane serves, with random fields in a random order. */
export function validDraft(random: Random): Draft {
  const body = jsonBody(random);
  const fields = [
    field(random, 'Host', random.pick(HOSTS)),
    field(random, 'Content-Type', random.oneIn(4) ? random.pick(TYPES) : 'application/json'),
    field(random, 'Content-Length', String(body.length)),
  ];
  const names = new Set<string>();
  for (let count = random.int(7); count > 0; count--) {
    const [name, values] = random.pick(COMMON);
    if (names.has(name)) continue;
    names.add(name);
    fields.push(field(random, name, random.pick(values)));
  }
  if (random.oneIn(6)) fields.push(field(random, `X-${random.text(1 + random.int(12), TCHAR)}`, randomValue(random)));
  if (random.oneIn(2)) shuffle(random, fields);
  return { method: 'POST', target: '/mcp', version: 'HTTP/1.1', eol: '\r\n', fields, end: '\r\n', body };
}

export function field(random: Random, name: string, value: string): Field {
  const trailing = random.oneIn(12) ? random.pick([' ', '\t', ' \t ']) : '';
  return { name: randomCase(random, name), colon: random.pick(GAPS), value: value + trailing };
}

/** Characters that a header value may hold. */
export function randomValue(random: Random): string {
  return random.text(random.int(24), VISIBLE);
}

function randomCase(random: Random, name: string): string {
  if (!random.oneIn(4)) return name;
  if (random.oneIn(2)) return random.oneIn(2) ? name.toLowerCase() : name.toUpperCase();
  return [...name].map((char) => (random.oneIn(2) ? char.toUpperCase() : char.toLowerCase())).join('');
}

function jsonBody(random: Random): string {
  const id = random.int(1_000);
  switch (random.int(10)) {
    case 0:
      return '';
    case 1:
      return random.text(random.int(12), '{}[]":,0 \r\n');
    case 2:
      return Buffer.from(`{"text":"${random.pick(['\u00e9', '\u20ac', '\u{1f600}', '\ufeff', '\ufffd'])}"}`).toString(
        'latin1',
      );
    case 3:
      return `{"text":"${random.text(4, '\x00\x80\xc3\xa9\xff\xed\xa0')}"}`;
    case 4:
      return `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${id}\r\n\r\n`;
    case 5:
      return `[${'"padding",'.repeat(random.int(60))}0]`;
    default:
      return `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"echo"}}`;
  }
}

export function shuffle<T>(random: Random, list: T[]): void {
  for (let at = list.length - 1; at > 0; at--) {
    const other = random.int(at + 1);
    [list[at], list[other]] = [list[other] as T, list[at] as T];
  }
}

/** The bytes of a draft, as Latin-1 text. */
export function serialise({ method, target, version, eol, fields, end, body }: Draft): string {
  let text = `${method} ${target} ${version}${eol}`;
  for (const { name, colon, value, eol: own } of fields) text += `${name}${colon}${value}${own ?? eol}`;
  return text + end + body;
}

/** The chunked form of a body, cut at random places. */
export function chunked(random: Random, body: string): string {
  let text = '';
  for (let at = 0; at < body.length; ) {
    const size = 1 + random.int(Math.min(40, body.length - at));
    const extension = random.oneIn(8) ? random.pick([';a=b', ';a', '; a="b"']) : '';
    text += `${size.toString(16)}${extension}\r\n${body.slice(at, at + size)}\r\n`;
    at += size;
  }
  const trailer = random.oneIn(6) ? 'X-Trailer: 1\r\n' : '';
  return `${text}0\r\n${trailer}\r\n`;
}
