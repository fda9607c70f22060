import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { CancelTimer, Clock } from '../../kernel/clock.ts';
import type { LiveClient } from '../live-feed.ts';

export interface LiveSocketsParts {
  readonly clock: Clock;
  /** Told of each client that came and of the time since which it has missed something; returns what is called when it went. */
  readonly attach: (client: LiveClient, since: number) => () => void;
}

const MAX_CLIENTS = 32;
const HEARTBEAT_MS = 15_000;
/** Clients have nothing to say. */
const MAX_PAYLOAD_BYTES = 1_024;
const GOING_AWAY = 1001;

/** The WebSockets of pages that watch. One that does not answer a ping until the next is ended. */
export class LiveSockets {
  readonly #parts: LiveSocketsParts;
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_PAYLOAD_BYTES,
  });
  /** Each with whether it answered the last ping. */
  readonly #sockets = new Map<WebSocket, boolean>();
  #cancelHeartbeat: CancelTimer | undefined;

  constructor(parts: LiveSocketsParts) {
    this.#parts = parts;
  }

  get isFull(): boolean {
    return this.#sockets.size >= MAX_CLIENTS;
  }

  /** Makes a WebSocket of the connection, or answers what is wrong with the request. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, since: number): void {
    this.#server.handleUpgrade(request, socket, head, (webSocket) => this.#open(webSocket, since));
  }

  close(): void {
    this.#cancelHeartbeat?.();
    this.#cancelHeartbeat = undefined;
    for (const socket of this.#sockets.keys()) {
      socket.close(GOING_AWAY);
      socket.terminate();
    }
    this.#sockets.clear();
  }

  #open(socket: WebSocket, since: number): void {
    this.#sockets.set(socket, true);
    this.#cancelHeartbeat ??= this.#parts.clock.every(HEARTBEAT_MS, () => this.#beat());
    const detach = this.#parts.attach(
      {
        get waitingBytes() {
          return socket.bufferedAmount;
        },
        send: (message) => socket.send(message),
        drop: () => socket.terminate(),
      },
      since,
    );
    socket.on('pong', () => this.#sockets.set(socket, true));
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      detach();
      this.#sockets.delete(socket);
    });
  }

  #beat(): void {
    for (const [socket, hasAnswered] of this.#sockets) {
      if (!hasAnswered) socket.terminate();
      else {
        this.#sockets.set(socket, false);
        socket.ping();
      }
    }
  }
}
