import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ExtraHeaders } from '../exchange.ts';
import { corsHeaders } from './cors.ts';
import { FieldHead } from './field-head.ts';
import { HttpExchange, type HttpExchangeShared, STREAM_HEADERS } from './http-exchange.ts';
import type { OriginGuard } from './origin-guard.ts';

/** The header of a request that `node:http` parsed. */
export class NodeHead extends FieldHead {
  readonly #request: IncomingMessage;

  constructor(request: IncomingMessage) {
    super();
    this.#request = request;
  }

  get path(): string {
    return (this.#request.url ?? '').split('?', 1)[0] as string;
  }

  /** Node.js passes over all but the first: whoever sends several gets none accepted. */
  override get authorization(): string | undefined {
    return this.#request.headersDistinct.authorization?.join(', ');
  }

  each(visit: (name: string, value: string) => void): void {
    const { rawHeaders } = this.#request;
    for (let at = 0; at < rawHeaders.length; at += 2) visit(rawHeaders[at] as string, rawHeaders[at + 1] as string);
  }

  all(): Headers {
    const headers = new Headers();
    for (const [name, values] of Object.entries(this.#request.headersDistinct)) {
      for (const value of values ?? []) headers.append(name, value);
    }
    return headers;
  }

  protected entries(): Iterable<[string, string | string[] | undefined]> {
    return Object.entries(this.#request.headers);
  }

  field(name: string): string | undefined {
    const value = this.#request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }
}

/** What exchanges on `node:http` need of their server. */
export interface NodeShared extends HttpExchangeShared {
  readonly guard: OriginGuard;
  /** Whether a connection ends after its answer. */
  isLast(socket: Socket): boolean;
  /** Whether a connection whose client was promised more ends nevertheless. */
  endsAtOnce(): boolean;
  /** The value of {@link LOAD_HEADER}, where it is sent. */
  loadLine(): string | undefined;
}

/** Tells a gateway how busy this instance is: `cpu=0.42, memory=0.31`, shares of what it may use. */
export const LOAD_HEADER = 'Peregrine-Load';

/** A request that `node:http` read. */
export class NodeExchange extends HttpExchange {
  readonly #response: ServerResponse;
  readonly #shared: NodeShared;
  readonly #socket: Socket;
  /** What the browser of an allowed origin is to be told. */
  readonly #cors: ExtraHeaders;

  constructor(request: IncomingMessage, response: ServerResponse, shared: NodeShared) {
    super(new NodeHead(request), shared);
    this.#response = response;
    this.#shared = shared;
    this.#socket = request.socket;
    const { origin } = request.headers;
    this.#cors = origin !== undefined && shared.guard.allows(origin) ? corsHeaders(origin) : [];
    response.on('close', () => this.disconnected());
    response.on('error', () => this.disconnected());
    response.on('drain', () => this.onDrain?.());
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  protected writeAnswer(
    status: number,
    text: string,
    bytes: Uint8Array | undefined,
    headers: ExtraHeaders | undefined,
  ): void {
    const length = Buffer.byteLength(text) + (bytes?.byteLength ?? 0);
    const fields: Record<string, string | number> = { 'Content-Length': length };
    if (length > 0) fields['Content-Type'] = 'application/json';
    if (this.#shared.isLast(this.#socket)) fields['Connection'] = 'close';
    Object.assign(fields, this.#otherFields());
    for (const [name, value] of headers ?? []) fields[name] = value;
    this.#response.writeHead(status, fields);
    if (bytes === undefined) {
      this.#response.end(text);
    } else {
      this.#response.write(text);
      this.#response.end(bytes);
    }
  }

  protected openStream(): void {
    const last = this.#shared.isLast(this.#socket) ? { Connection: 'close' } : {};
    this.#response.writeHead(200, { ...Object.fromEntries(STREAM_HEADERS), ...last, ...this.#otherFields() });
  }

  #otherFields(): Record<string, string> {
    const line = this.#shared.loadLine();
    return { ...Object.fromEntries(this.#cors), ...(line === undefined ? {} : { [LOAD_HEADER]: line }) };
  }

  protected openRelay(status: number, headerLines: string, length: number | undefined): void {
    const fields: string[] = [];
    for (const line of headerLines.split('\r\n')) {
      const colon = line.indexOf(':');
      if (colon > 0) fields.push(line.slice(0, colon), line.slice(colon + 1).trim());
    }
    fields.push(...this.#cors.flat());
    if (length !== undefined) fields.push('Content-Length', String(length));
    if (this.#shared.isLast(this.#socket)) fields.push('Connection', 'close');
    this.#response.writeHead(status, fields);
    this.#response.flushHeaders();
  }

  protected relayPiece(piece: Buffer): boolean {
    return this.#response.write(Buffer.from(piece));
  }

  protected endRelay(): void {
    this.endStream();
  }

  protected writeChunk(text: string, bytes?: Uint8Array): number {
    this.#response.write(text);
    if (bytes !== undefined) this.#response.write(bytes);
    return this.#response.writableLength;
  }

  protected endStream(): void {
    this.#response.end(() => {
      if (this.#shared.endsAtOnce()) this.#socket.end(); // The head of this stream promised more, before the server began to stop.
    });
  }

  protected destroy(): void {
    this.#response.destroy();
  }
}
