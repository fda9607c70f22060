import { describe, expect, it } from 'vitest';
import { type SseParts, SseStreams } from '../../../src/protocol/sse-streams.ts';
import { createEngineSignals } from '../../../src/signal/signal.ts';
import { LocalMessageBus, MemoryStateStore, StateStoreError } from '../../../src/state/state.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import type { Exchange, ExtraHeaders, MessageSink, Relay } from '../../../src/transport/exchange.ts';
import { resolveTransportLimits } from '../../../src/transport/transport.ts';

const OPTIONS = { path: '/sse', messagesPath: '/messages', maxStreams: 2 };

/** A client's request whose answer is looked at. */
class TestExchange implements Exchange, Relay {
  readonly head: Exchange['head'];
  closed = false;
  canStream = true;
  onClose: (() => void) | undefined;
  onDrain: (() => void) | undefined;
  isSlow = false;
  isCut = false;
  isEnded = false;
  sent = '';
  answer: { status: number; text: string; headers: ExtraHeaders | undefined } | undefined;

  constructor(authorization?: string) {
    this.head = { authorization } as NonNullable<Exchange['head']>;
  }

  notify(): void {}

  respond(status: number, text: string, _bytes?: Uint8Array, headers?: ExtraHeaders): void {
    this.answer ??= { status, text, headers };
  }

  relay(): Relay | undefined {
    return this.closed ? undefined : this;
  }

  write(piece: Buffer): boolean {
    this.sent += piece.toString();
    return !this.isSlow;
  }

  end(): void {
    this.isEnded = true;
    this.closed = true; // Nobody is told of an end that the server made.
  }

  cut(): void {
    this.isCut = true;
    this.leave();
  }

  leave(): void {
    if (!this.closed) this.onClose?.();
    this.closed = true;
  }

  /** What the first event says. */
  get url(): string {
    return /^event: endpoint\ndata: (.*)\n\n/.exec(this.sent)?.[1] ?? '';
  }
}

interface Opened {
  readonly sink: MessageSink;
  readonly received: string[];
  isClosed: boolean;
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function scene(over: Partial<SseParts> = {}) {
  const clock = new FakeClock();
  const signals = createEngineSignals();
  const faults: unknown[] = [];
  signals.fault.on(({ error }) => void faults.push(error));
  const opened: Opened[] = [];
  const parts: SseParts = {
    options: OPTIONS,
    limits: resolveTransportLimits({ maxStreamBufferBytes: 1_000 }),
    store: new MemoryStateStore(clock),
    messages: new LocalMessageBus(),
    jsonBounds: { maxDepth: 64, maxElements: 100_000 },
    acceptor: {
      connect: (sink) => {
        const one: Opened = { sink, received: [], isClosed: false };
        opened.push(one);
        return {
          receive: (text) => void one.received.push(text),
          reject: () => {},
          settled: () => Promise.resolve(),
          close: () => {
            one.isClosed = true;
          },
        };
      },
    },
    clock,
    signals,
    ...over,
  };
  const streams = new SseStreams(parts);
  const serve = async (path: string, exchange: TestExchange, method: string, query: string, body: string) => {
    streams.pages.get(path)?.serve(exchange, { method, query, body });
    await settle();
    return exchange;
  };
  return {
    clock,
    parts,
    opened,
    faults,
    streams,
    get: (exchange = new TestExchange()) => serve('/sse', exchange, 'GET', '', ''),
    post: (url: string, body: string, exchange = new TestExchange()) =>
      serve('/messages', exchange, 'POST', url.split('?')[1] ?? '', body),
  };
}

describe('HTTP with SSE', () => {
  it('names the URL to post to, and sends what the server says as events', async () => {
    const { get, post, opened, parts } = scene();
    const stream = await get();
    expect(stream.url).toMatch(/^\/messages\?sessionId=[\da-f-]{36}$/);
    expect((await post(stream.url, '{"id":1}')).answer).toMatchObject({ status: 202, text: '' });
    expect(opened[0]?.received).toEqual(['{"id":1}']);
    opened[0]?.sink.send('{"id":1,"result":', Buffer.from('"世"}'));
    expect(stream.sent.split('\n\n').slice(1)).toEqual(['event: message\ndata: {"id":1,"result":"世"}', '']);
    expect(opened[0]?.sink.head).toBe(stream.head);
    expect(await parts.store.get(`sse/${stream.url.split('=')[1]}`)).toBeDefined();
  });

  it('has no stream for an id that nobody has, nor for another principal', async () => {
    const { get, post, opened } = scene();
    const stream = await get();
    for (const url of ['/messages', '/messages?sessionId=', `/messages?sessionId=${crypto.randomUUID()}`])
      expect((await post(url, '{}')).answer).toMatchObject({ status: 404 });
    const other = await post(stream.url, '{}', new TestExchange('Bearer other'));
    expect(other.answer).toEqual((await post('/messages?sessionId=x', '{}')).answer);
    expect(opened[0]?.received).toEqual([]);
  });

  it('is forgotten whole when the client leaves', async () => {
    const { get, post, opened, streams, clock, parts } = scene();
    await parts.store.put('another', '', { ttlMs: 1_000_000 });
    const { timers } = clock; // That of the store is among them.
    const stream = await get();
    stream.leave();
    await settle();
    expect([streams.open, opened[0]?.isClosed, clock.timers]).toEqual([0, true, timers]);
    expect(await parts.store.get(`sse/${stream.url.split('=')[1]}`)).toBeUndefined();
    expect((await post(stream.url, '{}')).answer).toMatchObject({ status: 404 });
    parts.messages.publish(`sse/${stream.url.split('=')[1]}`, '{}');
    expect(opened[0]?.received).toEqual([]);
  });

  it('opens no more streams than it may, and none for clients that take no events or have left', async () => {
    const { get, opened } = scene();
    const first = await get();
    await get();
    const refused = await get();
    expect(refused.answer).toMatchObject({ status: 503, headers: [['Retry-After', '5']] });
    first.leave();
    expect((await get()).url).not.toBe('');
    const json = new TestExchange();
    json.canStream = false;
    expect((await get(json)).answer).toMatchObject({ status: 406 });
    expect(opened).toHaveLength(3);
    const other = scene();
    const gone = new TestExchange();
    gone.closed = true;
    await other.get(gone);
    expect([other.streams.open, other.opened]).toEqual([0, []]);
  });

  it('opens no more streams than it may while the store takes its time', async () => {
    const clock = new FakeClock();
    const store = new MemoryStateStore(clock);
    const slow = Promise.withResolvers<void>();
    const put = store.put.bind(store);
    const waiting = Object.assign(store, {
      put: async (...given: Parameters<typeof put>) => {
        await slow.promise;
        return put(...given);
      },
    });
    const { get, streams } = scene({ clock, store: waiting as never });
    const exchanges = await Promise.all([get(), get(), get()]);
    slow.resolve();
    await settle();
    expect([streams.open, exchanges.map(({ answer }) => answer?.status)]).toEqual([2, [undefined, undefined, 503]]);
    exchanges[0]?.leave();
    const last = new TestExchange();
    const opening = get(last);
    streams.close();
    await opening;
    expect([streams.open, last.answer?.status]).toEqual([0, 503]);
  });

  it('keeps streams open by comments, and what others know of them alive', async () => {
    const { get, clock, parts } = scene();
    const stream = await get();
    const key = `sse/${stream.url.split('=')[1]}`;
    for (let minutes = 0; minutes < 4; minutes++) {
      clock.advance(15_000);
      await settle();
    }
    clock.advance(14_999);
    expect(stream.sent.match(/: keep-alive\n\n/g)).toHaveLength(4);
    expect(await parts.store.get(key)).toBeDefined();
  });

  it('cuts off a client that does not read, and not one that is slow for a while', async () => {
    const { get, opened, streams } = scene();
    const stream = await get();
    stream.isSlow = true;
    opened[0]?.sink.send('x'.repeat(900));
    stream.isSlow = false;
    stream.onDrain?.();
    opened[0]?.sink.send('x'.repeat(5_000));
    expect(stream.isCut).toBe(false);
    stream.isSlow = true;
    opened[0]?.sink.send('x'.repeat(900));
    expect(stream.isCut).toBe(false);
    opened[0]?.sink.send('x'.repeat(100));
    expect(stream.isCut).toBe(false);
    opened[0]?.sink.send('x');
    expect([stream.isCut, streams.open, opened[0]?.isClosed]).toEqual([true, 0, true]);
  });

  it('sends an answer that is larger than what may wait', async () => {
    const { get, opened } = scene();
    const stream = await get();
    stream.isSlow = true; // A socket is, with more than it takes at once.
    const large = 'x'.repeat(5_000);
    opened[0]?.sink.send(large);
    stream.onDrain?.();
    opened[0]?.sink.send(large);
    expect([stream.isCut, stream.sent.split(large).length]).toEqual([false, 3]);
  });

  it('ends with the token that it began with', async () => {
    const { get, clock, streams } = scene();
    const exchange = new TestExchange();
    const expiresAt = clock.wallNow() / 1_000 + 30;
    Object.assign(exchange.head as object, { access: { principal: 'ada', info: { expiresAt } } });
    const [stream, other] = [await get(exchange), await get()];
    clock.advance(29_999);
    expect(stream.isEnded).toBe(false);
    clock.advance(1);
    await settle();
    expect([stream.isEnded, other.isEnded, streams.open]).toEqual([true, false, 1]);
    other.leave();
    await settle();
    clock.advance(100_000);
    expect(clock.timers).toBe(0);
  });

  it('opens no more than it may while the store takes its time, and none once the server drains', async () => {
    const store = new MemoryStateStore(new FakeClock());
    const put = store.put.bind(store);
    let answer = (): void => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    store.put = (async (...args: Parameters<typeof put>) => {
      await answered;
      return put(...args);
    }) as never;
    const { get, streams } = scene({ store });
    const [first, , third] = await Promise.all([get(), get(), get()]);
    expect([first?.answer, third?.answer?.status]).toEqual([undefined, 503]);
    streams.close();
    answer();
    await settle();
    expect([streams.open, first?.answer?.status, store.size.texts]).toEqual([0, 503, 0]);
  });

  it('brings a post to the instance that has the stream', async () => {
    const here = scene();
    const { store, messages } = here.parts;
    const there = scene({ store, messages });
    const stream = await here.get();
    expect((await there.post(stream.url, '{"id":7}')).answer).toMatchObject({ status: 202 });
    expect((await there.post(stream.url, '{}', new TestExchange('Bearer other'))).answer?.status).toBe(404);
    expect([here.opened[0]?.received, there.opened]).toEqual([['{"id":7}'], []]);
  });

  it('asks clients to come again while the store cannot be reached, and says so', async () => {
    const down = async () => {
      throw new StateStoreError('down');
    };
    const store = Object.assign(new MemoryStateStore(new FakeClock()), {
      put: down,
      get: down,
      touch: down,
      delete: down,
    });
    const { get, post, faults, streams } = scene({ store });
    expect((await get()).answer).toMatchObject({ status: 503, headers: [['Retry-After', '5']] });
    expect((await post(`/messages?sessionId=${crypto.randomUUID()}`, '{}')).answer?.status).toBe(503);
    expect([streams.open, faults]).toEqual([0, [expect.any(StateStoreError), expect.any(StateStoreError)]]);
    const full = scene({ store: new MemoryStateStore(new FakeClock(), 10) });
    expect((await full.get()).answer?.status).toBe(503);
  });

  it('ends with its token, after what is under way', async () => {
    const underWay = Promise.withResolvers<void>();
    const sinks: MessageSink[] = [];
    const connect = (sink: MessageSink) => {
      sinks.push(sink);
      return { receive: () => {}, reject: () => {}, settled: () => underWay.promise, close: () => {} };
    };
    const { get, clock, streams, parts } = scene({ acceptor: { connect } });
    await parts.store.put('another', '', { ttlMs: 1_000_000 });
    const before = clock.timers;
    const exchange = new TestExchange();
    const expiresAt = clock.wallNow() / 1_000 + 60;
    (exchange.head as { access: unknown }).access = { principal: 'ada', info: { expiresAt } };
    await get(exchange);
    clock.advance(59_999);
    await settle();
    expect(exchange.isEnded).toBe(false);
    clock.advance(1);
    await settle();
    sinks[0]?.send('the last answer');
    underWay.resolve();
    await settle();
    expect([exchange.isEnded, streams.open, clock.timers]).toEqual([true, 0, before]);
    expect(exchange.sent).toContain('the last answer');
  });

  it('ends streams when the server drains, after what is under way, and opens no others', async () => {
    const { get, streams, opened } = scene();
    const stream = await get();
    streams.close();
    await settle();
    expect([stream.isEnded, streams.open, opened[0]?.isClosed]).toEqual([true, 0, true]);
    expect((await get()).answer?.status).toBe(503);
  });
});
