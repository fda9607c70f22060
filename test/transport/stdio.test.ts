import { Console } from 'node:console';
import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Acceptor, MessageSink } from '../../src/transport/exchange.ts';
import { resolveTransportLimits } from '../../src/transport/limits.ts';
import { takeStdout } from '../../src/transport/stdio/own-stdout.ts';
import { StdioEndpoint } from '../../src/transport/stdio/stdio.ts';

/** An acceptor that keeps what comes, and the sink to answer by. */
function accepting() {
  const received: string[] = [];
  let sink: MessageSink | undefined;
  let isClosed = false;
  const acceptor = {
    connect: (given: MessageSink) => {
      sink = given;
      return {
        receive: (text: string) => void received.push(text),
        reject: () => {},
        settled: () => Promise.resolve(),
        close: () => {
          isClosed = true;
        },
      };
    },
  } as unknown as Acceptor;
  return { acceptor, received, sink: () => sink as MessageSink, isClosed: () => isClosed };
}

/** An output whose reader takes a piece only when it is told to. */
class SlowOutput extends Writable {
  readonly taken: string[] = [];
  #take: (() => void) | undefined;

  constructor() {
    super({ decodeStrings: false, highWaterMark: 500 });
  }

  override _write(piece: Buffer | string, _encoding: string, done: () => void): void {
    this.taken.push(String(piece));
    this.#take = done;
  }

  /** Takes all that waits, piece by piece. */
  read(): void {
    for (let take = this.#take; take !== undefined; take = this.#take) {
      this.#take = undefined;
      take();
    }
  }
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a client over stdio that does not read', () => {
  it('gets no more read from it while more than the limit waits, and everything in the end', async () => {
    const { acceptor, received, sink } = accepting();
    const [input, output] = [new PassThrough(), new SlowOutput()];
    const endpoint = new StdioEndpoint(acceptor, resolveTransportLimits({ maxStreamBufferBytes: 1_000 }), {
      input,
      output,
    });
    endpoint.open();
    sink().send('a'.repeat(999));
    expect([endpoint.isSlow, input.isPaused()]).toEqual([false, false]);
    sink().send('b');
    expect([endpoint.isSlow, input.isPaused()]).toEqual([true, true]);
    input.write('late\n');
    await settle();
    expect(received).toEqual([]);
    // The reader is back: as long as pieces wait, there is another one to take.
    for (let turn = 0; turn < 5; turn++) {
      output.read();
      await settle();
    }
    expect([endpoint.isSlow, received]).toEqual([false, ['late']]);
    expect(output.taken.join('')).toBe(`${'a'.repeat(999)}\nb\n`);
  });

  it('is not waited for beyond the deadline when the server stops', async () => {
    const { acceptor, sink, isClosed } = accepting();
    const endpoint = new StdioEndpoint(acceptor, resolveTransportLimits(), {
      input: new PassThrough(),
      output: new SlowOutput(),
    });
    sink().send('unread');
    const deadline = Promise.withResolvers<void>();
    const closing = endpoint.close(deadline.promise);
    await settle();
    expect(isClosed()).toBe(false);
    deadline.resolve();
    await closing;
    expect(isClosed()).toBe(true);
  });

  it('is gone once its end of the output is closed', async () => {
    const { acceptor, sink } = accepting();
    const output = new PassThrough();
    const endpoint = new StdioEndpoint(acceptor, resolveTransportLimits(), { input: new PassThrough(), output });
    output.destroy(new Error('EPIPE'));
    await endpoint.ended;
    sink().send('nobody hears it');
    await endpoint.close(new Promise(() => {}));
  });
});

describe('stdout that is kept for messages', () => {
  it('carries these alone, while everything else goes to stderr; then it is everybody’s again', async () => {
    const [stdout, stderr] = [new PassThrough({ encoding: 'utf8' }), new PassThrough({ encoding: 'utf8' })];
    const console = new Console(stdout, stderr);
    console.log('before');
    const { output, release } = takeStdout(stdout, stderr);
    console.log('noise');
    stdout.write('more noise\n');
    await new Promise<void>((resolve) => output.write('{"id":1}\n', () => resolve()));
    release();
    console.log('after');
    expect([stdout.read(), stderr.read()]).toEqual(['before\n{"id":1}\nafter\n', 'noise\nmore noise\n']);
  });
});
