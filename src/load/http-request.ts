import type { WireRequest } from './load-connection.ts';

/** A POST whose header can be completed for each user. */
export class PostTemplate {
  readonly #start: string;
  readonly #rest: string;
  readonly #ready: Buffer;

  /**
   * @param fields Header fields in order, as they are to be written.
   * @param body Any JSON; what is not ASCII is written as escapes, so that a request is one string or its bytes.
   * @throws {RangeError} when a field holds a line break or is no Latin-1.
   */
  constructor(path: string, fields: readonly (readonly [name: string, value: string])[], body: unknown) {
    const text = toAscii(JSON.stringify(body));
    const lines = fields.map(([name, value]) => {
      if (/[\r\n\0]|[^\0-\xff]/.test(name + value))
        throw new RangeError(`header ${JSON.stringify(name)}: not a header value`);
      return `${name}: ${value}\r\n`;
    });
    this.#start = `POST ${path} HTTP/1.1\r\n${lines.join('')}`;
    this.#rest = `Content-Length: ${text.length}\r\n\r\n${text}`;
    this.#ready = Buffer.from(this.#start + this.#rest, 'latin1');
  }

  /** The request as it is for everyone. */
  get whole(): WireRequest {
    return this.#ready;
  }

  /** The request with a further header line. */
  with(line: string): WireRequest {
    return `${this.#start}${line}${this.#rest}`;
  }
}

/** JSON in ASCII alone. */
function toAscii(json: string): string {
  return json.replace(/[^\0-\x7f]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
