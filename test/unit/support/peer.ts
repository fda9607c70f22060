import type { OptimizedMCPServer } from '../../../src/server.ts';
import type { MemoryClient } from '../../../src/transport/transport.ts';
import { legacyRequest, type MessageOptions, modernRequest, type Rpc } from './messages.ts';

interface Waiting {
  readonly wants: (message: Rpc) => boolean;
  readonly resolve: (message: Rpc) => void;
}

/** The client's end of a connection inside the process. */
export class Peer {
  /** All that the server has sent, as text and as messages. */
  readonly texts: string[] = [];
  readonly messages: Rpc[] = [];
  #client: MemoryClient | undefined;
  #waiting: Waiting[] = [];
  #lastId = 0;
  #onRequest: ((request: Rpc) => void) | undefined;

  static async to(server: OptimizedMCPServer): Promise<Peer> {
    const peer = new Peer();
    peer.#client = await server.connect((text) => peer.#take(text));
    return peer;
  }

  /** A peer that has made the legacy handshake. */
  static async legacy(server: OptimizedMCPServer, protocolVersion = '2025-11-25'): Promise<Peer> {
    const peer = await Peer.to(server);
    await peer.legacy('initialize', {
      protocolVersion,
      capabilities: {},
      clientInfo: { name: 'peer', version: '1.0.0' },
    });
    peer.notify('notifications/initialized');
    return peer;
  }

  /** Sends text, or anything that is to be JSON. */
  send(message: unknown): void {
    this.#client?.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  notify(method: string, params?: Record<string, unknown>): void {
    this.send({ jsonrpc: '2.0', method, ...(params ? { params } : {}) });
  }

  /** Sends a modern request and waits for its answer. */
  modern(method: string, params: Record<string, unknown> = {}, options: MessageOptions = {}): Promise<Rpc> {
    return this.#request(modernRequest(method, params, { id: --this.#lastId, ...options }));
  }

  /** Sends a legacy request and waits for its answer. */
  legacy(method: string, params: Record<string, unknown> = {}, id: string | number = --this.#lastId): Promise<Rpc> {
    return this.#request(legacyRequest(method, params, id));
  }

  /** The first message, past or to come, that is wanted. */
  next(wants: (message: Rpc) => boolean): Promise<Rpc> {
    const past = this.messages.find(wants);
    if (past !== undefined) return Promise.resolve(past);
    return new Promise((resolve) => this.#waiting.push({ wants, resolve }));
  }

  /** Has a function told what the server asks from now on. */
  onRequest(listener: (request: Rpc) => void): void {
    this.#onRequest = listener;
  }

  close(): void {
    this.#client?.close();
  }

  /** Only messages from now on are answers: ids are used again. */
  #request(message: Rpc): Promise<Rpc> {
    const answer = new Promise<Rpc>((resolve) => {
      const wants = ({ id, method }: Rpc): boolean => method === undefined && id === message.id;
      this.#waiting.push({ wants, resolve });
    });
    this.send(message);
    return answer;
  }

  #take(text: string): void {
    const message = JSON.parse(text) as Rpc;
    this.texts.push(text);
    this.messages.push(message);
    const told = this.#waiting.filter(({ wants }) => wants(message));
    this.#waiting = this.#waiting.filter((each) => !told.includes(each));
    for (const { resolve } of told) resolve(message);
    if (message.method !== undefined && message.id !== undefined) this.#onRequest?.(message);
  }
}
