import type { ChildEvents, ChildIo, Launch } from '../../../../src/balance/stdio/child-process.ts';

interface Message {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: unknown;
  readonly error?: { readonly code: number };
}

/** A child that does what the test says. */
export class FakeChild implements ChildIo {
  readonly pid: number;
  readonly sent: Message[] = [];
  isEnded = false;
  readonly #events: ChildEvents;

  constructor(pid: number, events: ChildEvents) {
    this.pid = pid;
    this.#events = events;
  }

  write(line: string): void {
    this.sent.push(JSON.parse(line));
  }

  end(): Promise<void> {
    this.die('ended with code 0');
    return Promise.resolve();
  }

  /** Is gone, while somebody else still holds its output open. */
  exit(): void {
    this.#events.exited();
  }

  die(reason: string): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.#events.ended(reason);
  }

  /** Says something, be it a message or not. */
  say(what: object | string): void {
    this.#events.line(typeof what === 'string' ? what : JSON.stringify({ jsonrpc: '2.0', ...what }));
  }

  /** The last message of a method. */
  last(method: string): Message {
    const found = this.sent.findLast((message) => message.method === method);
    if (found === undefined) throw new Error(`${method} was not sent, only ${this.sent.map((one) => one.method)}`);
    return found;
  }

  /** Answers the last request of a method. */
  answer(method: string, result: object): void {
    this.say({ id: this.last(method).id, result });
  }

  /** Does the handshake of a legacy server. */
  greet(capabilities: object = { tools: {} }): void {
    if (this.sent.at(-1)?.method === 'server/discover')
      this.say({ id: this.last('server/discover').id, error: { code: -32601, message: 'no' } });
    this.answer('initialize', {
      protocolVersion: '2025-11-25',
      capabilities,
      serverInfo: { name: 'fake', version: '1' },
    });
  }

  /** Answers the probe as a modern server. */
  reveal(capabilities: object = { tools: {} }): void {
    this.answer('server/discover', { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities });
  }
}

/** Starts fakes, and keeps them. */
export function fakeLaunch(): { readonly launch: Launch; readonly children: FakeChild[] } {
  const children: FakeChild[] = [];
  return {
    children,
    launch: (_command, events) => {
      const child = new FakeChild(children.length + 1, events);
      children.push(child);
      return child;
    },
  };
}
