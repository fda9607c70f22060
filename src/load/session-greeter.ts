import type { LoadConnection, WireRequest } from './load-connection.ts';
import type { Greeter, PreparedRequest } from './load-plan.ts';
import type { McpRequests } from './mcp-requests.ts';

/** Gives each user a session of its own, and its requests the header that says so. */
export class SessionGreeter implements Greeter {
  readonly #requests: McpRequests;
  readonly #handshake: ReturnType<McpRequests['handshake']>;
  readonly #lines: (string | undefined)[] = [];

  constructor(requests: McpRequests) {
    this.#requests = requests;
    this.#handshake = requests.handshake();
  }

  begin(_user: number): WireRequest {
    return this.#handshake.initialize;
  }

  next(user: number, { status, headers }: LoadConnection): WireRequest | undefined {
    if (status !== 200 && status !== 202) throw new Error(`HTTP ${status}`);
    if (this.#lines[user] !== undefined) return undefined;
    const id = headers?.get('mcp-session-id');
    const line = id === undefined ? '' : `Mcp-Session-Id: ${id}\r\n`;
    this.#lines[user] = line;
    return this.#handshake.initialized(line);
  }

  /** The next request of a user that has been greeted. */
  request(user: number): PreparedRequest {
    const line = this.#lines[user];
    return line === undefined || line === '' ? this.#requests.next() : this.#requests.nextWith(line);
  }
}
