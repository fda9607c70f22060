import type { ApiTransport } from '../../src/balance/kubernetes/api-transport.ts';
import type { FakeApi } from './fake-api.ts';

/** The fake API without sockets, for tests in virtual time. */
export interface FakeTransport extends ApiTransport {
  /** How requests fail: not at all, at once, or by getting no answer. */
  trouble: 'none' | 'down' | 'silent';
}

export function fakeTransport(api: FakeApi): FakeTransport {
  return {
    trouble: 'none',
    close() {},
    async send({ method, path, headers, body = '', signal }) {
      if (this.trouble === 'down') throw new Error('connect ECONNREFUSED');
      if (this.trouble === 'silent') await aborted(signal);
      const token = headers.Authorization?.replace(/^Bearer /, '');
      const answer = api.handle({ method, url: path, token, contentType: headers['Content-Type'], body });
      if ('body' in answer) return { status: answer.status, body: once(JSON.stringify(answer.body)) };
      return { status: answer.status, body: stream(answer.open, signal) };
    },
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => reject(new DOMException('The operation was aborted', 'AbortError'));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort);
  });
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

type Open = Extract<ReturnType<FakeApi['handle']>, { open: unknown }>['open'];

/** Begins before it is read, as the network does. */
function stream(open: Open, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      let isOver = false;
      const over = (finish: () => void): void => {
        if (isOver) return;
        isOver = true;
        stop();
        finish();
      };
      let stop: () => void = () => {};
      stop = open({
        write: (line) => {
          if (!isOver) controller.enqueue(Buffer.from(line));
        },
        end: (isOrderly) => over(() => (isOrderly ? controller.close() : controller.error(new Error('ECONNRESET')))),
      });
      if (isOver) stop();
      signal.addEventListener('abort', () =>
        over(() => controller.error(new DOMException('The operation was aborted', 'AbortError'))),
      );
    },
  });
  return body as unknown as AsyncIterable<Uint8Array>;
}
