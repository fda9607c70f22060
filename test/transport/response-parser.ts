/** One response as it came over the wire. */
export interface WireResponse {
  readonly status: number;
  /** By lower-case name; repeated fields are joined. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Whether all of it had arrived. */
  readonly complete: boolean;
}

/**
 * Cuts what a server sent on one connection into its responses; bytes are taken as Latin-1.
 *
 * A response to `HEAD` is seen by the next response following where its body would be. A header block that is not all
 * there is left out.
 *
 * @throws {Error} where the bytes are not responses.
 */
export function parseResponses(text: string): WireResponse[] {
  const responses: WireResponse[] = [];
  let at = 0;
  while (at < text.length) {
    const headEnd = text.indexOf('\r\n\r\n', at);
    if (headEnd === -1 && 'HTTP/1.1 '.startsWith(text.slice(at, at + 9))) break;
    const line = /HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n/y;
    line.lastIndex = at;
    const match = line.exec(text);
    if (match === null || headEnd === -1)
      throw new Error(`not a response: ${JSON.stringify(text.slice(at, at + 200))}`);
    const headers = parseFields(text.slice(at + match[0].length, headEnd));
    const body = parseBody(text, headEnd + 4, headers, Number(match[1]));
    responses.push({ status: Number(match[1]), headers, body: body.text, complete: body.complete });
    at = body.end;
  }
  return responses;
}

function parseFields(block: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of block === '' ? [] : block.split('\r\n')) {
    const colon = line.indexOf(': ');
    if (colon < 1) throw new Error(`not a header field: ${JSON.stringify(line)}`);
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 2);
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return headers;
}

interface Body {
  readonly text: string;
  readonly end: number;
  readonly complete: boolean;
}

function parseBody(text: string, from: number, headers: Readonly<Record<string, string>>, status: number): Body {
  if (status < 200 || status === 204 || status === 304 || text.startsWith('HTTP/1.1 ', from)) {
    return { text: '', end: from, complete: true };
  }
  if (headers['transfer-encoding'] === 'chunked') return parseChunks(text, from);
  const length = headers['content-length'];
  const end = length === undefined ? text.length : Math.min(text.length, from + Number(length));
  return { text: text.slice(from, end), end, complete: length === undefined || end === from + Number(length) };
}

function parseChunks(text: string, from: number): Body {
  let body = '';
  let at = from;
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd === -1) return { text: body, end: text.length, complete: false };
    const size = text.slice(at, lineEnd);
    if (!/^[0-9a-f]+$/i.test(size)) throw new Error(`not a chunk size: ${JSON.stringify(size)}`);
    const start = lineEnd + 2;
    const end = start + Number.parseInt(size, 16);
    if (end + 2 > text.length) return { text: body, end: text.length, complete: false };
    if (text.slice(end, end + 2) !== '\r\n') throw new Error(`no end of a chunk of ${size} bytes`);
    if (end === start) return { text: body, end: end + 2, complete: true };
    body += text.slice(start, end);
    at = end + 2;
  }
}
