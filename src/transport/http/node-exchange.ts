import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ExtraHeaders, RequestHead } from '../exchange.ts';
import { HttpExchange, type HttpExchangeShared, STREAM_HEADERS } from './http-exchange.ts';

/** The header of a request that `node:http` parsed. */
export class NodeHead implements RequestHead {
  memo: unknown = undefined;
  readonly #request: IncomingMessage;

  constructor(request: IncomingMessage) {
    this.#request = request;
  }

  get accept(): string | undefined {
    return this.#request.headers.accept;
  }
  get authorization(): string | undefined {
    return this.#request.headers.authorization;
  }
  get protocolVersion(): string | undefined {
    return this.#field('mcp-protocol-version');
  }
  get mcpMethod(): string | undefined {
    return this.#field('mcp-method');
  }
  get mcpName(): string | undefined {
    return this.#field('mcp-name');
  }
  get sessionId(): string | undefined {
    return this.#field('mcp-session-id');
  }
  get lastEventId(): string | undefined {
    return this.#field('last-event-id');
  }

  get params(): ReadonlyMap<string, string> | undefined {
    return paramsOf(Object.entries(this.#request.headers));
  }

  all(): Headers {
    const headers = new Headers();
    for (const [name, values] of Object.entries(this.#request.headersDistinct)) {
      for (const value of values ?? []) headers.append(name, value);
    }
    return headers;
  }

  #field(name: string): string | undefined {
    const value = this.#request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }
}

/** The `Mcp-Param-*` fields among header entries with lower-case names. */
export function paramsOf(
  entries: Iterable<readonly [string, string | string[] | undefined]>,
): ReadonlyMap<string, string> | undefined {
  let params: Map<string, string> | undefined;
  for (const [name, value] of entries) {
    if (!name.startsWith('mcp-param-') || value === undefined) continue;
    params ??= new Map();
    params.set(name.slice('mcp-param-'.length), Array.isArray(value) ? value.join(', ') : value);
  }
  return params;
}

/** A request that `node:http` read. */
export class NodeExchange extends HttpExchange {
  readonly #response: ServerResponse;
  readonly #isDraining: () => boolean;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    shared: HttpExchangeShared,
    isDraining: () => boolean,
  ) {
    super(new NodeHead(request), shared);
    this.#response = response;
    this.#isDraining = isDraining;
    response.on('close', () => this.disconnected());
    response.on('error', () => this.disconnected());
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
    if (this.#isDraining()) fields['Connection'] = 'close';
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
    this.#response.writeHead(200, Object.fromEntries(STREAM_HEADERS));
  }

  protected writeChunk(text: string, bytes?: Uint8Array): number {
    this.#response.write(text);
    if (bytes !== undefined) this.#response.write(bytes);
    return this.#response.writableLength;
  }

  protected endStream(): void {
    const { socket } = this.#response;
    this.#response.end(() => {
      if (this.#isDraining()) socket?.end(); // The head of this stream promised more, before the server began to stop.
    });
  }

  protected destroy(): void {
    this.#response.destroy();
  }
}
