import type { Random } from './random.ts';
import { chunked, type Draft, type Field, field, randomValue, shuffle } from './request-grammar.ts';

/** One way in which a request can be odd or wrong. */
export type Mutation = (draft: Draft, random: Random) => void;

function find(draft: Draft, name: string): Field | undefined {
  return draft.fields.find((candidate) => candidate.name.toLowerCase() === name);
}

function drop(draft: Draft, name: string): void {
  draft.fields = draft.fields.filter((candidate) => candidate.name.toLowerCase() !== name);
}

function add(draft: Draft, random: Random, name: string, value: string): void {
  draft.fields.splice(random.int(draft.fields.length + 1), 0, field(random, name, value));
}

function anyField(draft: Draft, random: Random): Field {
  return draft.fields[random.int(draft.fields.length)] ?? { name: 'x', colon: ':', value: '' };
}

function setLength(draft: Draft, value: string): void {
  const length = find(draft, 'content-length');
  if (length !== undefined) length.value = value;
}

/** Puts something into a text at a random place. */
function insert(random: Random, text: string, piece: string): string {
  const at = random.int(text.length + 1);
  return text.slice(0, at) + piece + text.slice(at);
}

function chunkBody(draft: Draft, random: Random): void {
  drop(draft, 'content-length');
  add(draft, random, 'Transfer-Encoding', random.pick(['chunked', 'chunked', 'Chunked', 'gzip, chunked', 'identity']));
  draft.body = chunked(random, draft.body);
}

/** Header names that mean something to a server, or to the proxy before it. */
const MEANINGFUL: readonly (readonly [name: string, values: readonly string[]])[] = [
  ['Expect', ['100-continue', '100-Continue', 'x', '']],
  ['Upgrade', ['websocket', 'h2c', '']],
  ['Connection', ['close', 'Close', 'keep-alive, close', 'upgrade', 'keep-alive, Upgrade', '', 'x', 'close, x', 'te']],
  ['Proxy-Connection', ['keep-alive', 'close']],
  ['Content-Encoding', ['gzip', 'identity', '']],
  ['TE', ['trailers', '']],
  ['Trailer', ['X-Trailer']],
  ['Transfer-Encoding', ['chunked', 'identity', 'x', '', 'chunked, chunked', 'chunked ', '\x0bchunked', 'xchunked']],
  ['Content-Length', ['0', '5', '', '+5', '-1', '5, 5']],
  ['HTTP2-Settings', ['AAMAAABkAAQAAP__']],
  ['Content-Length-X', ['5']],
  ['Content_Length', ['5']],
];

const DUPLICATED = [
  'accept', 'authorization', 'content-length', 'content-type', 'cookie', 'host', 'last-event-id', 'mcp-method', 'mcp-name',
  'mcp-param-region', 'mcp-protocol-version', 'mcp-session-id', 'origin', 'set-cookie', 'user-agent', 'x-forwarded-for', 'from',
] as const; // biome-ignore format: one table

const LENGTHS = [
  '', ' ', '+5', '-5', '0x5', '05', '005', '5 ', '5,5', '5, 5', '5;5', '5.0', '5e0', '0', '00', '٥', '18446744073709551615',
  '18446744073709551616', '18446744073709551621', '9223372036854775807', '4294967296', '4097', '4096', '99999', '1e1', '5\t', 'x', '0 5',
] as const; // biome-ignore format: one table

const CONTROLS = [
  '\x00',
  '\x01',
  '\x07',
  '\x08',
  '\x0b',
  '\x0c',
  '\x1b',
  '\x7f',
  '\x80',
  '\xa0',
  '\xe9',
  '\xff',
  '\r',
  '\n',
  '\t',
  ' ',
];

/** Every mutation by its name; names appear in failures. */
export const MUTATIONS: { readonly [name: string]: Mutation } = {
  otherMethod: (draft, random) => {
    draft.method = random.pick([
      'GET',
      'DELETE',
      'PUT',
      'OPTIONS',
      'HEAD',
      'PATCH',
      'post',
      'POSTS',
      'PRI',
      'M-SEARCH',
      'CONNECT',
      '',
    ]);
  },
  methodWithoutBody: (draft, random) => {
    draft.method = random.pick(['GET', 'DELETE', 'OPTIONS', 'HEAD']);
    drop(draft, 'content-length');
    draft.body = '';
  },
  otherPath: (draft, random) => {
    draft.target = random.pick([
      '/',
      '/mcp/',
      '/MCP',
      '/mcpx',
      '//mcp',
      '/./mcp',
      '/m%63p',
      '*',
      '',
      '/mcp\x00',
      '/mcp#x',
      '/é',
      'mcp',
    ]);
  },
  query: (draft, random) => {
    draft.target += random.pick(['?', '?a=b', '?a=b&c', '?/mcp', '#a', ';a=b', '?a b']);
  },
  absoluteTarget: (draft, random) => {
    draft.target = random.pick([
      'http://localhost/mcp',
      'http://evil/mcp',
      'HTTP://localhost:80/mcp?x',
      'localhost:80',
      'http://',
    ]);
  },
  otherVersion: (draft, random) => {
    draft.version = random.pick([
      'HTTP/1.0',
      'HTTP/1.1 ',
      'HTTP/2.0',
      'HTTP/1.2',
      'http/1.1',
      'HTTP/1.',
      'HTTP/11',
      'HTTP/0.9',
      '',
      'RTSP/1.0',
    ]);
    if (random.oneIn(2)) add(draft, random, 'Connection', random.pick(['keep-alive', 'close']));
  },
  oddRequestLine: (draft, random) => {
    if (random.oneIn(2)) draft.method += random.pick([' ', '\t', '\x00', '\r', ' /x']);
    else draft.version = random.pick([' ', '\t']) + draft.version;
  },
  leadingLines: (draft, random) => {
    draft.method = random.pick(['\r\n', '\r\n\r\n', '\n', '\r', ' ', '\t', '\r\n '] as const) + draft.method;
  },
  bareLineFeeds: (draft, random) => {
    if (random.oneIn(2)) draft.eol = '\n';
    else anyField(draft, random).eol = '\n';
    if (random.oneIn(2)) draft.end = '\n';
  },
  bareReturns: (draft, random) => {
    if (random.oneIn(3)) draft.eol = '\r';
    else anyField(draft, random).eol = random.pick(['\r', '\r\r\n', '\n\r', '\r\r', '\r\n\r']);
    if (random.oneIn(3)) draft.end = random.pick(['\r', '\r\r\n', '\n\r\n']);
  },
  foldedLine: (draft, random) => {
    anyField(draft, random).eol = random.pick([
      '\r\n ',
      '\r\n\t',
      '\r\n folded\r\n',
      '\n folded\r\n',
      '\r\n  Content-Length: 1\r\n',
    ]);
  },
  spaceAroundName: (draft, random) => {
    const target = anyField(draft, random);
    if (random.oneIn(3)) target.name = random.pick([' ', '\t']) + target.name;
    else target.colon = random.pick([' :', '\t:', ' : ', ' ', '', '::', ': :', '=']);
  },
  emptyName: (draft, random) => {
    anyField(draft, random).name = '';
  },
  characterInName: (draft, random) => {
    const target = anyField(draft, random);
    target.name = insert(
      random,
      target.name,
      random.pick([...CONTROLS, '(', ')', '/', '[', '"', '@', ',', ';', '=', '{', '}', ':']),
    );
  },
  characterInValue: (draft, random) => {
    const target = anyField(draft, random);
    target.value = insert(random, target.value, random.pick(CONTROLS));
  },
  oddLength: (draft, random) => setLength(draft, random.pick(LENGTHS)),
  wrongLength: (draft, random) => setLength(draft, String(Math.max(0, draft.body.length + random.int(9) - 4))),
  noLength: (draft) => drop(draft, 'content-length'),
  secondLength: (draft, random) => {
    add(draft, random, 'Content-Length', random.oneIn(2) ? String(draft.body.length) : random.pick(LENGTHS));
  },
  chunkedBody: chunkBody,
  brokenChunks: (draft, random) => {
    chunkBody(draft, random);
    draft.body = insert(
      random,
      draft.body,
      random.pick(['\r', '\n', ' ', 'x', '-', '0', '0x', '\x00', ';', '\r\n', 'g\r\n']),
    );
  },
  cutChunks: (draft, random) => {
    chunkBody(draft, random);
    draft.body = draft.body.slice(0, random.int(draft.body.length));
  },
  lengthAndChunks: (draft, random) => {
    const body = chunked(random, draft.body);
    setLength(draft, String(random.oneIn(2) ? body.length : draft.body.length));
    add(draft, random, 'Transfer-Encoding', 'chunked');
    draft.body = body;
  },
  meaningfulField: (draft, random) => {
    const [name, values] = random.pick(MEANINGFUL);
    add(draft, random, name, random.pick(values));
  },
  duplicate: (draft, random) => {
    const name = random.pick(DUPLICATED);
    const present = find(draft, name)?.value ?? randomValue(random);
    for (let copies = find(draft, name) === undefined ? 2 : 1; copies > 0; copies--) {
      add(draft, random, name, random.oneIn(2) ? present : randomValue(random));
    }
  },
  host: (draft, random) => {
    drop(draft, 'host');
    if (random.oneIn(3)) return;
    add(
      draft,
      random,
      'Host',
      random.pick(['evil.example', '', 'localhost.evil', '127.0.0.1:x', '[::1', 'localhost, evil', 'user@localhost']),
    );
    if (random.oneIn(3)) add(draft, random, 'Host', 'localhost');
  },
  origin: (draft, random) => {
    drop(draft, 'origin');
    add(
      draft,
      random,
      'Origin',
      random.pick([
        'http://evil.example',
        'null',
        '',
        'https://localhost',
        'http://localhost/x',
        'http://localhost:1:2',
      ]),
    );
  },
  contentType: (draft, random) => {
    drop(draft, 'content-type');
    const type = random.pick([
      'text/plain',
      '',
      'application/json; charset=latin1',
      'application/jsonx',
      'application/json, text/plain',
      'application/json ;x',
    ]);
    if (!random.oneIn(4)) add(draft, random, 'Content-Type', type);
  },
  longBlock: (draft, random) => {
    const rest = draft.fields.reduce(
      (sum, { name, colon, value }) => sum + name.length + colon.length + value.length + 2,
      22,
    );
    add(draft, random, 'X-Pad', 'p'.repeat(Math.max(0, 16_384 - rest - 9 + random.int(160) - 80)));
  },
  manyFields: (draft, random) => {
    const count = random.oneIn(2) ? 960 + random.int(80) : 1_990 + random.int(20);
    const extra = Array.from({ length: count }, () => ({ name: 'a', colon: ':', value: '' }));
    draft.fields = random.oneIn(2) ? [...extra, ...draft.fields] : [...draft.fields, ...extra];
  },
  largeBody: (draft, random) => {
    draft.body = random.text(4_090 + random.int(14), 'ab');
    setLength(draft, String(draft.body.length));
  },
  shuffled: (draft, random) => shuffle(random, draft.fields),
};

/** Mutations that make an input large: they are drawn less often. */
export const COSTLY: ReadonlySet<string> = new Set(['longBlock', 'manyFields', 'largeBody']);
