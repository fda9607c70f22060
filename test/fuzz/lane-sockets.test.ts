/**
 * Holds the endpoint over TCP to the one in memory, on which the long search runs: the same bytes have to come to the
 * same, with the lane and without it.
 */
import { expect, it, onTestFailed } from 'vitest';
import type { Acceptor, Exchange, MessageConnection } from '../../src/transport/exchange.ts';
import { RawClient } from '../transport/raw-client.ts';
import { startEndpoint } from '../transport/test-endpoint.ts';
import { type FuzzInput, laneEnds, summariseText } from './compare.ts';
import { escapeBytes } from './escape.ts';
import { generateInput } from './generate.ts';
import { LIMITS, PATH } from './memory-endpoint.ts';
import { Recorder } from './recorder.ts';
import { Runner } from './runner.ts';

const INPUTS = 2_500;
const FIRST_SEED = 5_000_001;
const CONNECTIONS_AT_ONCE = 6;
/** What fits into one piece on the way, so that both endpoints get it as such. */
const MOST_BYTES = 32_768;

/** Passes each request on to the recorder of the input that is being played. */
class CurrentRecorder implements Acceptor {
  current = new Recorder([0], () => {});

  post(exchange: Exchange, body: string): void {
    this.current.post(exchange, body);
  }

  other(exchange: Exchange, method: string): void {
    this.current.other(exchange, method);
  }

  connect(): MessageConnection {
    throw new Error('not used over HTTP');
  }
}

/** An input as it goes over TCP: each request of the lane after the answer to the one before, then the rest at once. */
interface Play {
  readonly seed: number;
  readonly bytes: Buffer;
  readonly ends: readonly number[];
  /** What the endpoint in memory made of it. */
  readonly expected: readonly unknown[];
  readonly closedFirst: boolean;
}

/** The answers with the requests that they are for. */
function answersOf(text: string, recorder: Recorder): readonly unknown[] {
  return summariseText(text, recorder).answers;
}

async function inMemory(): Promise<Play[]> {
  const seeds = Array.from({ length: INPUTS }, (_, index) => FIRST_SEED + index);
  const inputs = seeds.map((seed): FuzzInput => {
    const manner = { cuts: [], delays: [0], slowReader: false, anyHost: false };
    return { bytes: generateInput(seed).bytes.subarray(0, MOST_BYTES), ...manner };
  });
  const feeds = inputs.map((input) => ({ ...input, lane: true, pieces: [input.bytes], barriers: new Set<number>() }));
  const outcomes = await new Runner().run(feeds);
  return outcomes.map(({ probe, closedFirst }, index) => {
    const { bytes } = inputs[index] as FuzzInput;
    const expected = answersOf(probe.socket.text, probe.recorder);
    return { seed: seeds[index] as number, bytes, ends: laneEnds(bytes, probe), expected, closedFirst };
  });
}

async function overTcp({ bytes, ends }: Play, port: number, acceptor: CurrentRecorder): Promise<readonly unknown[]> {
  acceptor.current = new Recorder([0], () => {});
  const { current } = acceptor;
  const client = await RawClient.open(port);
  for (const [index, end] of ends.entries()) {
    client.send(bytes.subarray(ends[index - 1] ?? 0, end));
    await client.responses(index + 1);
  }
  const rest = bytes.subarray(ends.at(-1) ?? 0);
  if (rest.length > 0) client.send(rest);
  client.end();
  await client.closed;
  client.break();
  return answersOf(client.text, current);
}

/**
 * How many answers have to be the same. Where `node:http` breaks a connection off, it drops answers of requests before, or
 * not, depending on whether it reads from a socket or gets the bytes from the lane; then those of the lane count.
 */
function comparable({ ends, closedFirst }: Play, lane: boolean): number {
  return lane || !closedFirst ? Number.POSITIVE_INFINITY : ends.length;
}

it.each([
  { lane: true, title: 'with the lane' },
  { lane: false, title: 'on node:http alone' },
])('comes to the same over TCP as in memory, $title', async ({ lane }) => {
  const plays = await inMemory();
  const inFlight = new Set<Play>();
  onTestFailed(() => {
    for (const { seed, bytes } of inFlight) console.error(`in flight: seed ${seed}: ${escapeBytes(bytes)}`);
  });
  const workers = Array.from({ length: CONNECTIONS_AT_ONCE }, async () => {
    const acceptor = new CurrentRecorder();
    const { port } = await startEndpoint({ acceptor, limits: LIMITS, http: { path: PATH, lane } });
    for (let play = plays.pop(); play !== undefined; play = plays.pop()) {
      inFlight.add(play);
      const got = await overTcp(play, port, acceptor);
      const count = comparable(play, lane);
      const [seen, expected] = [got.slice(0, count), play.expected.slice(0, count)].map((list) => JSON.stringify(list));
      expect(seen, `seed ${play.seed}: ${escapeBytes(play.bytes)}`).toBe(expected);
      inFlight.delete(play);
    }
  });
  await Promise.all(workers);
});
