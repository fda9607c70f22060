import type { OptimizedMCPServer } from '../../../src/server.ts';
import { ENDPOINT, type Fields, post, type Reply, readReply } from './http.ts';
import { legacyRequest, type Rpc } from './messages.ts';

/** One event of a stream: its message, unless it only says where to resume, and its id. */
export interface StreamEvent {
  readonly id: string | undefined;
  readonly message: Rpc | undefined;
}

/** An event stream that is read event by event. */
export class EventReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #rest = '';
  #blocks: string[] = [];
  lastId: string | undefined;
  retryMs: number | undefined;

  constructor(response: Response) {
    this.#reader = (response.body as ReadableStream<Uint8Array>).getReader();
  }

  /** The next event; nothing at the end of the stream. Comments are passed over. */
  async next(): Promise<StreamEvent | undefined> {
    for (;;) {
      const block = this.#blocks.shift();
      const event = block === undefined ? undefined : this.#read(block);
      if (event !== undefined) return event;
      if (block !== undefined) continue;
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      this.#rest += this.#decoder.decode(value, { stream: true });
      const blocks = this.#rest.split('\n\n');
      this.#rest = blocks.pop() ?? '';
      this.#blocks = blocks;
    }
  }

  /** The next event that carries a message. */
  async message(): Promise<Rpc | undefined> {
    for (let event = await this.next(); event !== undefined; event = await this.next())
      if (event.message !== undefined) return event.message;
    return undefined;
  }

  /** All messages up to the end. */
  async rest(): Promise<Rpc[]> {
    const all: Rpc[] = [];
    for (let message = await this.message(); message !== undefined; message = await this.message()) all.push(message);
    return all;
  }

  /** Leaves, as a client does whose connection breaks. */
  leave(): Promise<void> {
    return this.#reader.cancel();
  }

  #read(block: string): StreamEvent | undefined {
    const field = (name: string): string | undefined => {
      const line = block.split('\n').find((each) => each.startsWith(`${name}: `));
      return line?.slice(name.length + 2);
    };
    const [id, data, retry] = [field('id'), field('data'), field('retry')];
    if (retry !== undefined) this.retryMs = Number(retry);
    if (id !== undefined) this.lastId = id;
    if (id === undefined && data === undefined) return undefined;
    return { id, message: data === undefined || data === '' ? undefined : (JSON.parse(data) as Rpc) };
  }
}

/** A legacy client over HTTP, with the session that the server gave it. */
export class SessionClient {
  readonly server: OptimizedMCPServer;
  readonly sessionId: string | undefined;
  readonly greeting: Reply;
  #lastId = 0;

  private constructor(server: OptimizedMCPServer, greeting: Reply) {
    this.server = server;
    this.greeting = greeting;
    this.sessionId = greeting.headers.get('mcp-session-id') ?? undefined;
  }

  static async open(
    server: OptimizedMCPServer,
    {
      capabilities = {},
      version = '2025-11-25',
      fields = {},
    }: {
      capabilities?: object;
      version?: string;
      fields?: Fields;
    } = {},
  ): Promise<SessionClient> {
    const params = { protocolVersion: version, capabilities, clientInfo: { name: 'client', version: '1.0.0' } };
    return new SessionClient(server, await readReply(await post(server, legacyRequest('initialize', params), fields)));
  }

  get fields(): Record<string, string> {
    const session = this.sessionId === undefined ? {} : { 'Mcp-Session-Id': this.sessionId };
    return { 'MCP-Protocol-Version': '2025-11-25', ...session };
  }

  /** Sends anything; the answer may be a stream. */
  post(message: unknown, fields: Fields = {}): Promise<Response> {
    return post(this.server, message, { ...this.fields, ...fields });
  }

  /** Sends a request whose answer is a single one. */
  async request(method: string, params: Record<string, unknown> = {}, fields: Fields = {}): Promise<Reply> {
    return readReply(await this.post(legacyRequest(method, params, ++this.#lastId), fields));
  }

  /** Calls a tool whose answer is an event stream. */
  async stream(name: string, args: object = {}, id: string | number = ++this.#lastId, meta = {}): Promise<EventReader> {
    const params = { name, arguments: args, ...meta };
    return new EventReader(await this.post(legacyRequest('tools/call', params, id)));
  }

  /** Answers a request of the server's. */
  answer({ id }: Rpc, result: object): Promise<Response> {
    return this.post({ jsonrpc: '2.0', id, result });
  }

  get(fields: Fields = {}): Promise<Response> {
    return this.#other('GET', { Accept: 'text/event-stream', ...fields });
  }

  delete(fields: Fields = {}): Promise<Response> {
    return this.#other('DELETE', fields);
  }

  async listen(fields: Fields = {}): Promise<EventReader> {
    return new EventReader(await this.get(fields));
  }

  #other(method: string, fields: Fields): Promise<Response> {
    const given = Object.entries({ ...this.fields, ...fields }).filter(([, value]) => value !== null);
    return this.server.fetch(new Request(ENDPOINT, { method, headers: given as [string, string][] }));
  }
}
