import { beforeEach, describe, expect, it } from 'vitest';
import { ApiClient, type ApiObject, type WatchEvent } from '../../../../src/balance/kubernetes/api-client.ts';
import type { ApiAnswer, ApiRequest, ApiTransport } from '../../../../src/balance/kubernetes/api-transport.ts';
import { FakeClock } from '../../../../src/testing/fake-clock.ts';
import { settle } from '../../cache/instances.ts';

let clock: FakeClock;
let sent: ApiRequest[];
let answers: ((request: ApiRequest) => ApiAnswer | Promise<ApiAnswer>)[];
let token: string | undefined;
let reads: number;
let client: ApiClient;

beforeEach(() => {
  clock = new FakeClock();
  [sent, answers, token, reads] = [[], [], 'secret-1', 0];
  const transport: ApiTransport = {
    async send(request) {
      sent.push(request);
      const [answer = () => text(200, '{}')] = answers.splice(0, 1);
      return answer(request);
    },
    close() {},
  };
  const readToken = async (): Promise<string | undefined> => {
    reads++;
    return token;
  };
  const settings = { apiServer: new URL('https://api'), ca: undefined, namespace: 'default', readToken };
  client = new ApiClient(settings, { clock, transport });
});

function text(status: number, ...chunks: readonly (string | Uint8Array)[]): ApiAnswer {
  return {
    status,
    body: (async function* () {
      for (const chunk of chunks) yield Buffer.from(chunk as string);
    })(),
  };
}

const tokens = (): (string | undefined)[] => sent.map(({ headers }) => headers.Authorization);
const failure = (promise: Promise<unknown>): Promise<Error & { status?: number; retryable?: boolean }> =>
  promise.then(
    () => {
      throw new Error('it succeeded');
    },
    (error) => error,
  );

describe('ApiClient', () => {
  it('says in each request who it is and what it sends', async () => {
    answers = [() => text(200, '{"a":', '1}')];
    expect(await client.patch('/x', { b: 2 }, 5_000)).toEqual({ a: 1 });
    expect(sent[0]).toMatchObject({
      method: 'PATCH',
      path: '/x',
      body: '{"b":2}',
      headers: { Authorization: 'Bearer secret-1', 'Content-Type': 'application/merge-patch+json' },
    });
    token = undefined;
    clock.advance(60_000);
    await client.get('/y');
    expect(tokens().at(-1)).toBeUndefined();
    expect(sent[1]).toMatchObject({ method: 'GET', body: undefined });
  });

  it('reads the token once a minute', async () => {
    for (let second = 0; second < 180; second++) {
      await client.get('/x');
      clock.advance(1_000);
    }
    expect(reads).toBe(3);
  });

  it('reads it at once when it is refused, and tries again with another one only', async () => {
    await client.get('/x');
    token = 'secret-2';
    answers = [() => text(401, '{"message":"Unauthorized"}')];
    await client.get('/x');
    expect(tokens()).toEqual(['Bearer secret-1', 'Bearer secret-1', 'Bearer secret-2']);
    answers = [() => text(401, '{"message":"Unauthorized"}')];
    const error = await failure(client.get('/x'));
    expect(error.message).toBe('GET /x: 401 Unauthorized');
    expect(sent).toHaveLength(4);
    answers = [() => text(401), () => text(401)];
    token = 'secret-3';
    expect(await failure(client.get('/x'))).toMatchObject({ status: 401 });
    expect(sent).toHaveLength(6);
  });

  it.each([
    [403, '{"kind":"Status","message":"no access"}', 'GET /x: 403 no access', false],
    [429, 'slow\n  down', 'GET /x: 429 slow down', true],
    [503, `<html>${'x'.repeat(1_000)}`, `GET /x: 503 <html>${'x'.repeat(194)}`, true],
    [302, '', 'GET /x: 302 ', false],
  ])('makes an error of the status %d', async (status, body, message, retryable) => {
    answers = [() => text(status, body)];
    expect(await failure(client.get('/x'))).toMatchObject({ code: 'KUBERNETES_API', status, message, retryable });
  });

  it('makes one of what is no JSON, of no connection, and of no answer in time', async () => {
    answers = [() => text(200, '<html>')];
    expect(await failure(client.get('/x'))).toMatchObject({ status: undefined, retryable: true });
    answers = [() => Promise.reject(new Error('connect ECONNREFUSED'))];
    expect((await failure(client.get('/x'))).message).toBe('GET /x: connect ECONNREFUSED');
    answers = [silent];
    const late = failure(client.get('/x'));
    await settle();
    clock.advance(9_999);
    expect(sent.at(-1)?.signal.aborted).toBe(false);
    clock.advance(1);
    expect((await late).message).toBe('GET /x: no answer');
    answers = [silent];
    const early = failure(client.patch('/x', {}, 2_000));
    await settle();
    clock.advance(2_000);
    expect((await early).message).toBe('PATCH /x: no answer');
    expect(clock.timers).toBe(0);
  });

  it('reads the lines of a watch however they are cut, until it ends', async () => {
    const bytes = Buffer.from(
      '{"type":"ADDED","object":{"metadata":{"name":"é"}}}\n\n{"type":"MODIFIED","object":1}\n{"ty',
    );
    answers = [() => text(200, ...[...bytes].map((byte) => Uint8Array.of(byte)))];
    const events: WatchEvent<ApiObject>[] = [];
    for await (const event of client.watch('/x?watch=1', new AbortController().signal)) events.push(event);
    expect(events).toEqual([
      { type: 'ADDED', object: { metadata: { name: 'é' } } },
      { type: 'MODIFIED', object: 1 },
    ]);
    expect(clock.timers).toBe(0);
  });

  it('gives a watch time for its events, but not for its head', async () => {
    answers = [silent];
    const events = client.watch('/x', new AbortController().signal);
    const late = failure(events.next());
    await settle();
    clock.advance(10_000);
    expect((await late).message).toBe('GET /x: no answer');
    let release = (): void => {};
    answers = [() => ({ status: 200, body: slowly(new Promise((resolve) => (release = resolve))) })];
    const slow = client.watch('/x', new AbortController().signal).next();
    await settle();
    clock.advance(3_600_000);
    release();
    expect((await slow).value).toEqual({ type: 'ADDED' });
  });
});

function silent({ signal }: ApiRequest): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
  });
}

async function* slowly(until: Promise<void>): AsyncGenerator<Uint8Array> {
  await until;
  yield Buffer.from('{"type":"ADDED"}\n');
}
