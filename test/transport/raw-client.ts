import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { parseResponses, type WireResponse } from './response-parser.ts';

/** A client that writes bytes as they are and cuts what comes back into responses. Latin-1: one character is one byte. */
export class RawClient {
  readonly socket: Socket;
  /** Resolves when the server has ended its side, or the connection broke. */
  readonly closed: Promise<void>;
  #text = '';
  #waiting: (() => void)[] = [];
  #ended = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1');
      this.#wake();
    });
    socket.on('error', () => {}); // 'close' follows; a server may cut a connection.
    this.closed = new Promise((resolve) => {
      const end = (): void => {
        this.#ended = true;
        this.#wake();
        resolve();
      };
      socket.on('end', end);
      socket.on('close', end);
    });
  }

  /** Connects over TCP, or over TLS with a certificate to trust. */
  static async open(port: number, { ca }: { ca?: string } = {}): Promise<RawClient> {
    const settings = { host: '127.0.0.1', port, allowHalfOpen: true };
    const socket = ca === undefined ? connectTcp(settings) : connectTls({ ...settings, ca, servername: 'localhost' });
    socket.setNoDelay(true);
    const client = new RawClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once(ca === undefined ? 'connect' : 'secureConnect', resolve);
      socket.once('error', reject);
    });
    return client;
  }

  /** All that has come so far. */
  get text(): string {
    return this.#text;
  }

  get ended(): boolean {
    return this.#ended;
  }

  send(text: string | Uint8Array): void {
    if (typeof text === 'string') this.socket.write(text, 'latin1');
    else this.socket.write(text);
  }

  /** Ends this side of the connection. */
  end(): void {
    this.socket.end();
  }

  /** Breaks the connection. */
  break(): void {
    this.socket.destroy();
  }

  /** Resolves when so many whole responses have come, or the connection ended before. */
  async responses(count: number): Promise<WireResponse[]> {
    const done = (): boolean => this.#ended || this.#complete().length >= count;
    await this.#until(done);
    return this.#ended ? parseResponses(this.#text) : this.#complete();
  }

  /** Sends one request and resolves with the next response. */
  async ask(text: string): Promise<WireResponse> {
    const before = this.#complete().length;
    this.send(text);
    const response = (await this.responses(before + 1))[before];
    if (response === undefined) throw new Error('the connection ended without a response');
    return response;
  }

  /** Resolves when what has come includes a text, or the connection ended. */
  async includes(text: string): Promise<boolean> {
    await this.#until(() => this.#ended || this.#text.includes(text));
    return this.#text.includes(text);
  }

  #complete(): WireResponse[] {
    return parseResponses(this.#text).filter(({ complete }) => complete);
  }

  #until(done: () => boolean): Promise<void> {
    if (done()) return Promise.resolve();
    return new Promise((resolve) => {
      const check = (): void => {
        if (done()) resolve();
        else this.#waiting.push(check);
      };
      this.#waiting.push(check);
    });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const check of waiting) check();
  }
}
