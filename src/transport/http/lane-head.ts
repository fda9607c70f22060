import type { RequestHead } from '../exchange.ts';

/** Why a head is not the lane's: the socket goes to `node:http`. */
export const NOT_LANE = null;

/** Node's parser refuses, or before version 24 cuts off, what exceeds this many fields. */
const MAX_FIELDS = 1_000;

const METHOD_LENGTH = 'POST '.length;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const TAB = 0x09;

/** The characters of a header name (RFC 9110 token), as a table over the first 128 codes. */
const TOKEN = new Uint8Array(128);
for (const char of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
  TOKEN[char.charCodeAt(0)] = 1;

/** A parsed header block, as the lane accepts it. */
export class LaneHead implements RequestHead {
  host: string | undefined = undefined;
  origin: string | undefined = undefined;
  /** Of the request that is being read or served: blocks that differ in nothing else share one head. */
  contentLength = -1;
  hasJsonBody = false;
  accept: string | undefined = undefined;
  authorization: string | undefined = undefined;
  protocolVersion: string | undefined = undefined;
  mcpMethod: string | undefined = undefined;
  mcpName: string | undefined = undefined;
  sessionId: string | undefined = undefined;
  lastEventId: string | undefined = undefined;
  params: Map<string, string> | undefined = undefined;
  memo: unknown = undefined;
  access: unknown = undefined;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get path(): string {
    return this.#text.slice(METHOD_LENGTH, this.#text.indexOf(' ', METHOD_LENGTH));
  }

  field(name: string): string | undefined {
    const at = this.#text.toLowerCase().indexOf(`\r\n${name}:`);
    if (at === -1) return undefined;
    const from = at + name.length + 3;
    const end = this.#text.indexOf('\r\n', from);
    return trim(this.#text, from, end === -1 ? this.#text.length : end);
  }

  all(): Headers {
    const headers = new Headers();
    for (const line of this.#text.split('\r\n').slice(1)) {
      const colon = line.indexOf(':');
      if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
    }
    headers.set('content-length', String(this.contentLength));
    return headers;
  }

  each(visit: (name: string, value: string) => void): void {
    const text = this.#text;
    for (let at = text.indexOf('\r\n') + 2; at > 1 && at < text.length; ) {
      const colon = text.indexOf(':', at);
      const found = text.indexOf('\r\n', colon);
      const end = found === -1 ? text.length : found;
      visit(text.slice(at, colon), trim(text, colon + 1, end));
      at = end + 2;
    }
  }
}

/**
 * Parses the header block of a request for the lane: all from the request line up to, not including, the empty line.
 *
 * The request line has been compared already; `from` is where the first header starts. Strict on purpose: whatever is
 * not plainly one well-formed field a line, or asks for something that only `node:http` does, is {@link NOT_LANE}.
 */
export function parseLaneHead(text: string, from: number): LaneHead | typeof NOT_LANE {
  const head = new LaneHead(text);
  let at = from;
  let fields = 0;
  while (at < text.length) {
    if (++fields > MAX_FIELDS) return NOT_LANE;
    const colon = endOfName(text, at);
    if (colon === -1) return NOT_LANE;
    const end = endOfValue(text, colon + 1);
    if (end === -1) return NOT_LANE;
    if (!setField(head, text, at, colon, end)) return NOT_LANE;
    at = end + 2;
  }
  return head.host === undefined || head.contentLength < 0 || !head.hasJsonBody ? NOT_LANE : head;
}

/** The index of the colon after a header name, or -1 where the line does not start with a name and a colon. */
function endOfName(text: string, from: number): number {
  let at = from;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === COLON) return at > from ? at : -1;
    if (code > 127 || TOKEN[code] === 0) return -1;
  }
  return -1;
}

/** The index of the CR that ends a value, or of the end of the text; -1 where a character is not plain text. */
function endOfValue(text: string, from: number): number {
  let at = from;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= SPACE && code < 0x7f) continue;
    if (code === TAB) continue;
    return code === CR && text.charCodeAt(at + 1) === 0x0a ? at : -1;
  }
  return at;
}

/** A field's value without blanks around it. */
function trim(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && (text.charCodeAt(start) === SPACE || text.charCodeAt(start) === TAB)) start++;
  while (end > start && (text.charCodeAt(end - 1) === SPACE || text.charCodeAt(end - 1) === TAB)) end--;
  return text.slice(start, end);
}

type Setter = (head: LaneHead, value: string) => boolean;

/** A field that is kept as it is and may come once. */
function once(
  key:
    | 'host'
    | 'origin'
    | 'accept'
    | 'authorization'
    | 'protocolVersion'
    | 'mcpMethod'
    | 'mcpName'
    | 'sessionId'
    | 'lastEventId',
): Setter {
  return (head, value) => {
    if (head[key] !== undefined) return false;
    head[key] = value;
    return true;
  };
}

const refuse: Setter = () => false;

/** The fields that the lane reads or refuses; all others pass unread. */
const FIELDS: readonly (readonly [name: string, set: Setter])[] = [
  ['host', once('host')],
  ['origin', once('origin')],
  ['accept', once('accept')],
  ['authorization', once('authorization')],
  ['mcp-protocol-version', once('protocolVersion')],
  ['mcp-method', once('mcpMethod')],
  ['mcp-name', once('mcpName')],
  ['mcp-session-id', once('sessionId')],
  ['last-event-id', once('lastEventId')],
  ['content-length', setContentLength],
  ['content-type', setContentType],
  ['connection', (_head, value) => value.length === 10 && value.toLowerCase() === 'keep-alive'],
  ['content-encoding', refuse],
  ['transfer-encoding', refuse],
  ['proxy-connection', refuse],
  ['upgrade', refuse],
  ['expect', refuse],
  ['trailer', refuse],
  ['te', refuse],
];

const PARAM_PREFIX = 'mcp-param-';
const LETTER_M = 0x6d;

/** The fields by length and first letter, so that most others are passed over without a string being made of their name. */
const BY_SHAPE: (typeof FIELDS)[number][][] = [];
for (const field of FIELDS) {
  const shape = shapeOf(field[0].length, field[0].charCodeAt(0));
  BY_SHAPE[shape] = [...(BY_SHAPE[shape] ?? []), field];
}

function shapeOf(length: number, first: number): number {
  return (Math.min(length, 31) << 5) | (first & 31);
}

/** HOT: once for each header line; guarded by `npm run bench`. */
function setField(head: LaneHead, text: string, from: number, colon: number, end: number): boolean {
  const fields = BY_SHAPE[shapeOf(colon - from, text.charCodeAt(from))];
  if (fields !== undefined) {
    for (const [name, set] of fields) if (isName(text, from, name)) return set(head, trim(text, colon + 1, end));
  }
  if ((text.charCodeAt(from) | 0x20) !== LETTER_M || !isName(text, from, PARAM_PREFIX)) return true;
  const key = text.slice(from + PARAM_PREFIX.length, colon).toLowerCase();
  head.params ??= new Map();
  if (head.params.has(key)) return false;
  head.params.set(key, trim(text, colon + 1, end));
  return true;
}

/** Whether a lower-case name stands at a place, in any case. The text holds token characters there, or its end is nearer. */
function isName(text: string, from: number, name: string): boolean {
  for (let index = 0; index < name.length; index++) {
    if ((text.charCodeAt(from + index) | 0x20) !== name.charCodeAt(index)) return false;
  }
  return true;
}

function setContentLength(head: LaneHead, value: string): boolean {
  if (head.contentLength >= 0 || !/^(?:0|[1-9]\d{0,9})$/.test(value)) return false;
  head.contentLength = Number(value);
  return true;
}

function setContentType(head: LaneHead, value: string): boolean {
  if (head.hasJsonBody) return false;
  head.hasJsonBody = value === 'application/json' || isJsonMediaType(value);
  return head.hasJsonBody;
}

/** Whether a media type is JSON in UTF-8, whatever its case and parameters. */
export function isJsonMediaType(value: string): boolean {
  return (
    /^application\/json[ \t]*(?:;.*)?$/i.test(value) && !/charset[ \t]*=(?![ \t]*"?utf-?8"?[ \t]*(?:;|$))/i.test(value)
  );
}
