/** Runs the committed inputs against the real endpoint over TCP, with the lane and without it. */
import { describe, expect, it } from 'vitest';
import { LaneHead } from '../../src/transport/http/lane-head.ts';
import { post, startEndpoint, type Taken, TestAcceptor } from '../transport/test-endpoint.ts';
import corpus from './lane-corpus.json' with { type: 'json' };

interface Answer {
  readonly status: number;
  readonly request?: { readonly method: string; readonly path: string; readonly body: string };
}

interface Case {
  readonly name: string;
  readonly send: readonly (string | number | { readonly text: string; readonly times: number })[];
  /** The client ends its side after the last piece. */
  readonly end?: boolean;
  readonly answers: readonly Answer[];
  readonly lane: number;
  readonly closes: boolean;
}

const CASES = corpus.cases as readonly Case[];
const { path, limits } = corpus.endpoint;

/** What came of a case: its answers with the requests that they answer, and who served them. */
async function play({ send, end = false, answers, closes }: Case, lane: boolean): Promise<Omit<Case, 'name' | 'send'>> {
  const acceptor = new TestAcceptor(({ method, exchange }: Taken) => {
    const index = String(acceptor.taken.length - 1);
    exchange.respond(method === 'POST' ? 200 : 405, '', undefined, [['X-Request', index]]);
  });
  const { client: open } = await startEndpoint({ acceptor, limits, http: { path, lane } });
  const client = await open();
  for (const piece of send) {
    if (typeof piece === 'number') await client.responses(piece);
    else client.send(typeof piece === 'string' ? piece : piece.text.repeat(piece.times));
  }
  if (end) client.end();
  await client.responses(answers.length);
  if (!closes) {
    expect((await client.ask(post('"still there"'))).status).toBe(200);
    client.end();
  }
  await client.closed;
  const got = (await client.responses(0)).slice(0, closes ? undefined : -1).map(({ status, headers }): Answer => {
    const taken = headers['x-request'] === undefined ? undefined : acceptor.taken[Number(headers['x-request'])];
    return taken === undefined ? { status } : { status, request: { method: taken.method, path, body: taken.body } };
  });
  const served = acceptor.taken
    .slice(0, closes ? undefined : -1)
    .filter(({ exchange }) => exchange.head instanceof LaneHead).length;
  return { answers: got, lane: served, closes, ...(end ? { end } : {}) };
}

describe.each([
  { lane: true, title: 'with the lane' },
  { lane: false, title: 'on node:http alone' },
])('$title', ({ lane }) => {
  it.each(CASES)(
    '$name',
    async (one) => {
      const { name: _name, send: _send, ...expected } = one;
      expect(await play(one, lane)).toEqual(lane ? expected : { ...expected, lane: 0 });
    },
    30_000,
  );
});

it('has the cases that a reader of HTTP has to get right', () => {
  expect(CASES.length).toBeGreaterThanOrEqual(40);
  expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length);
});
