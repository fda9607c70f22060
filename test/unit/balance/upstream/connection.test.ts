import { describe, expect, it } from 'vitest';
import { HttpCall } from '../../../../src/balance/upstream/http-call.ts';
import type { UpstreamError, UpstreamSink } from '../../../../src/balance/upstream/upstream-call.ts';
import { type ConnectionOwner, UpstreamConnection } from '../../../../src/balance/upstream/upstream-connection.ts';
import type { UpstreamCallError } from '../../../../src/balance/upstream/upstream-error.ts';
import { resolveHttpUpstreamOptions } from '../../../../src/balance/upstream/upstream-options.ts';
import { MemorySocket } from '../../../transport/memory-socket.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';

/** The upstream behind a connection: it writes down what it is told. */
class TestOwner implements ConnectionOwner {
  readonly options = resolveHttpUpstreamOptions({ url: 'http://backend' });
  readonly hostLine = 'Host: backend\r\n';
  readonly tick = 0;
  readonly tickMs = 1_000;
  readonly events: string[] = [];

  connected(): void {
    this.events.push('connected');
  }

  freed(): void {
    this.events.push('freed');
  }

  gone(_connection: UpstreamConnection, wasConnecting: boolean, error: UpstreamCallError | undefined): void {
    this.events.push(`gone${wasConnecting ? ' while connecting' : ''}${error === undefined ? '' : ` ${error.code}`}`);
  }
}

class TestSink implements UpstreamSink {
  readonly events: (string | UpstreamError)[] = [];

  head(status: number): void {
    this.events.push(`head ${status}`);
  }

  data(chunk: Buffer): void {
    this.events.push(`data ${chunk.toString()}`);
  }

  ended(): void {
    this.events.push('ended');
  }

  failed(error: UpstreamError): void {
    this.events.push(error);
  }
}

function open({ isReady = true } = {}) {
  const owner = new TestOwner();
  const socket = new MemorySocket();
  let ready = (): void => {};
  const connection = new UpstreamConnection(owner, (callback) => {
    ready = callback;
    return socket;
  });
  if (isReady) ready();
  const start = (): TestSink => {
    const sink = new TestSink();
    connection.start(new HttpCall({ method: 'POST', path: '/', headerLines: '', body: '{}' }, sink, 0, () => {}));
    return sink;
  };
  return { owner, socket, connection, start };
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe('whether a call that failed was ever sent', () => {
  it('is known before the end of the turn in which it was made: not a byte has left', async () => {
    const { connection, socket, start } = open();
    const sink = start();
    connection.destroy('UPSTREAM_CONNECTION_LOST');
    await turn();
    expect(sink.events).toMatchObject([{ code: 'UPSTREAM_CONNECTION_LOST', neverSent: true }]);
    expect(socket.text).toBe('');
  });

  it('is so when the server had closed, or spoken, before anything was written', async () => {
    for (const surprise of [
      (socket: MemorySocket) => socket.push(null),
      (socket: MemorySocket) => socket.receive(OK),
    ]) {
      const { socket, start, owner } = open();
      const sink = start();
      surprise(socket);
      await new Promise((resolve) => process.nextTick(resolve));
      expect(sink.events).toMatchObject([{ code: 'UPSTREAM_CONNECTION_LOST', neverSent: true }]);
      await turn();
      expect([socket.text, owner.events]).toEqual(['', ['connected', 'freed', 'gone UPSTREAM_CONNECTION_LOST']]);
    }
  });

  it('cannot be known once bytes were written', async () => {
    const { socket, start } = open();
    const sink = start();
    await turn();
    socket.push(null);
    await turn();
    expect(socket.text).toContain('POST / HTTP/1.1');
    expect(sink.events).toMatchObject([{ code: 'UPSTREAM_CONNECTION_LOST', neverSent: false }]);
  });

  it('is so when no connection could be made', () => {
    const { socket, owner } = open({ isReady: false });
    socket.emit('error', new Error('refused'));
    expect(owner.events).toEqual(['gone while connecting UPSTREAM_CONNECT_FAILED']);
  });
});

it('is free before its sink hears of the end, so that the next call may have it', async () => {
  const { socket, start, owner } = open();
  const sink = start();
  await turn();
  let eventsAtEnd: readonly string[] = [];
  sink.ended = () => {
    eventsAtEnd = [...owner.events];
  };
  socket.receive(OK);
  await turn();
  expect(sink.events).toEqual(['head 200', 'data hi']);
  expect(eventsAtEnd).toEqual(['connected', 'freed', 'freed']);
});

it('is not used again when the answer came before the request had left as a whole', async () => {
  const { socket, start, owner } = open();
  Object.defineProperty(socket, 'writableLength', { value: 1 });
  const sink = start();
  await turn();
  socket.receive(OK);
  await turn();
  expect(sink.events).toEqual(['head 200', 'data hi', 'ended']);
  expect(owner.events).toEqual(['connected', 'freed', 'gone']);
});

it('is read again by the time it is free, though its call had paused', async () => {
  const { socket, start } = open();
  const sink = start();
  await turn();
  socket.receive('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n');
  await turn();
  expect(sink.events).toEqual(['head 200']);
  sink.data = () => socket.pause();
  socket.receive('hi');
  await turn();
  expect([sink.events, socket.isPaused()]).toEqual([['head 200', 'ended'], false]);
});
