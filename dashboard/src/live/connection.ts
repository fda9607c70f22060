import type { LiveMessage } from '../../../src/monitor/live-protocol.ts';

export type ConnectionState =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  /** Times in milliseconds since 1970; no `retryAt` while it is tried. */
  | { readonly state: 'lost'; readonly since: number; readonly retryAt: number | null };

type Socket = Pick<WebSocket, 'close' | 'onclose' | 'onmessage'>;

/** What a connection needs of the browser; tests have their own. */
export interface ConnectionParts {
  /** Opens a WebSocket that asks for what was missed since then. */
  readonly open: () => Socket;
  readonly now: () => number;
  /** Runs later; returns what prevents that. */
  readonly after: (ms: number, run: () => void) => () => void;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly onMessage: (message: LiveMessage) => void;
  readonly onState: (state: ConnectionState) => void;
}

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;
/** The server speaks once a second. */
const SILENCE_MS = 10_000;

/** Keeps the page connected: opens again what was lost, ever more rarely. */
export class Connection {
  readonly #parts: ConnectionParts;
  #socket: Socket | undefined;
  #isLive = false;
  #attempts = 0;
  #lostAt: number | undefined;
  #cancel = (): void => {};

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#parts.onState({ state: 'connecting' });
    this.#open();
  }

  /** Tries at once, where it is waiting to try. */
  retry(): void {
    if (this.#socket === undefined) this.#open();
  }

  #open(): void {
    const { open, onMessage, onState } = this.#parts;
    if (this.#lostAt !== undefined) onState({ state: 'lost', since: this.#lostAt, retryAt: null });
    const socket = open();
    this.#socket = socket;
    this.#watch(socket);
    socket.onclose = () => this.#lose(socket);
    socket.onmessage = ({ data }) => {
      if (socket !== this.#socket) return;
      this.#watch(socket);
      onMessage(JSON.parse(data));
      if (this.#isLive) return;
      this.#isLive = true;
      this.#attempts = 0;
      this.#lostAt = undefined;
      onState({ state: 'live' });
    };
  }

  /** A connection may be lost without a word. */
  #watch(socket: Socket): void {
    this.#cancel();
    this.#cancel = this.#parts.after(SILENCE_MS, () => {
      this.#lose(socket);
      socket.close();
    });
  }

  #lose(socket: Socket): void {
    if (socket !== this.#socket) return;
    const { now, after, random, onState } = this.#parts;
    this.#cancel();
    this.#socket = undefined;
    this.#isLive = false;
    this.#lostAt ??= now();
    const longest = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#attempts++);
    const delay = longest * (0.75 + 0.25 * random());
    this.#cancel = after(delay, () => this.#open());
    onState({ state: 'lost', since: this.#lostAt, retryAt: now() + delay });
  }
}
