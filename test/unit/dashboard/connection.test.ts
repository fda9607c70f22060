import { beforeEach, describe, expect, it } from 'vitest';
import { Connection, type ConnectionState } from '../../../dashboard/src/live/connection.ts';
import { FakeClock } from '../../../src/testing/testing.ts';

class Socket {
  onclose: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  isClosed = false;

  close(): void {
    this.isClosed = true;
  }

  say(text = '{"type":"tick"}'): void {
    this.onmessage?.({ data: text } as never);
  }

  end(): void {
    this.onclose?.({} as never);
  }
}

let clock: FakeClock;
let sockets: Socket[];
let states: ConnectionState[];
let messages: unknown[];
let connection: Connection;
const last = () => sockets.at(-1)!;

beforeEach(() => {
  clock = new FakeClock();
  [sockets, states, messages] = [[], [], []];
  connection = new Connection({
    open: () => sockets[sockets.push(new Socket()) - 1] as never,
    now: () => clock.now(),
    after: (ms, run) => clock.after(ms, run),
    random: () => 1,
    onMessage: (message) => messages.push(message),
    onState: (state) => states.push(state),
  });
  connection.start();
});

describe('the connection of a page', () => {
  it('is live with the first message, and says so once', () => {
    last().say('{"type":"hello"}');
    last().say();
    expect(states).toEqual([{ state: 'connecting' }, { state: 'live' }]);
    expect(messages).toEqual([{ type: 'hello' }, { type: 'tick' }]);
  });

  it('is tried again ever more rarely, lost since the first time', () => {
    last().say();
    clock.advance(1_000);
    last().end();
    expect(states.at(-1)).toEqual({ state: 'lost', since: 1_000, retryAt: 1_500 });
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 7; attempt++) {
      const before = clock.now();
      while (sockets.length === attempt) clock.advance(100);
      waits.push(clock.now() - before);
      expect(states.at(-1)).toEqual({ state: 'lost', since: 1_000, retryAt: null });
      last().end();
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    clock.advance(10_000);
    last().say();
    expect(states.at(-1)).toEqual({ state: 'live' });
    last().end();
    expect(states.at(-1)).toMatchObject({ since: clock.now(), retryAt: clock.now() + 500 });
  });

  it('is lost when nothing is heard for ten seconds, and what comes late is not listened to', () => {
    last().say();
    clock.advance(9_999);
    last().say();
    clock.advance(9_999);
    expect(states.at(-1)).toEqual({ state: 'live' });
    const [silent] = sockets;
    clock.advance(1);
    expect([silent?.isClosed, states.at(-1)?.state]).toEqual([true, 'lost']);
    clock.advance(500);
    silent?.say('{"type":"late"}');
    silent?.end();
    expect(messages).toHaveLength(2);
    expect(sockets).toHaveLength(2);
    last().say();
    expect(states.at(-1)).toEqual({ state: 'live' });
  });

  it('is tried at once when asked for, but not twice at a time', () => {
    connection.retry();
    expect(sockets).toHaveLength(1);
    last().end();
    connection.retry();
    connection.retry();
    expect(sockets).toHaveLength(2);
    clock.advance(600);
    expect(sockets).toHaveLength(2);
  });
});
