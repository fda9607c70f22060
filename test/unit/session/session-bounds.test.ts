import { describe, expect, it } from 'vitest';
import { placeOf, resolveSessions } from '../../../src/session/session.ts';
import { settle } from '../support/test-server.ts';
import { instances, Sink } from './instances.ts';

describe('sessions of many principals', () => {
  it('are apart: none finds or ends another one’s session, or reads its events', async () => {
    const { all } = instances(2);
    const names = Array.from({ length: 100 }, (_, n) => `principal ${n}`);
    const ofAll = await Promise.all(
      names.map(async (name, n) => {
        const session = await (all[n % 2] ?? expect.fail('no instance')).open(name);
        const sink = new Sink();
        const stream = session.openStream(sink);
        stream.push(`secret of ${name}`);
        await settle();
        return { name, session, sink };
      }),
    );
    await Promise.all(
      ofAll.map(async ({ name, session, sink }, n) => {
        const mine = all[(n + 1) % 2] ?? expect.fail('no instance');
        for (const other of ofAll) {
          const found = await mine.find(other.session.id, name);
          expect(found?.id).toBe(other === ofAll[n] ? session.id : undefined);
          if (other === ofAll[n]) continue;
          const own = (await mine.find(session.id, name)) ?? expect.fail('is gone');
          const eye = new Sink();
          const at = placeOf(other.sink.lastId.replace(/\d+$/, '1')) ?? expect.fail('no id');
          expect(await mine.directory.streams.resume(own, eye, at)).toBe(false);
          expect(eye.texts).toEqual([]);
        }
        expect(sink.texts).toEqual([`secret of ${name}`]);
      }),
    );
  });

  it('are bounded for each that has a name', async () => {
    const { all } = instances(1, { maxPerPrincipal: 2 });
    for (const _ of [1, 2]) await all[0].open('alice');
    await expect(all[0].open('alice')).rejects.toMatchObject({ code: 'SESSIONS_FULL', retryable: true });
    await all[0].open('bob');
    for (const _ of [1, 2, 3]) await all[0].open('');
  });
});

it('sessions that nobody ends leave nothing behind, were they 100,000', async () => {
  const { all, clock, memory, network } = instances(1, { isLater: false, idleTimeoutSeconds: 60, eventTtlSeconds: 30 });
  const listeners = network.listeners;
  for (let n = 0; n < 100_000; n++) {
    const session = await all[0].open();
    if (n % 100 === 0) {
      const [answer, get] = [new Sink(), new Sink()];
      session.openStream(answer).end('done');
      await all[0].directory.streams.listen(session, get);
      get.leave();
    }
    clock.advance(10);
  }
  expect(memory.size.texts).toBeGreaterThan(1_000);
  for (let tens = 0; tens < 30; tens++) {
    clock.advance(10_000);
    await settle(1);
  }
  expect(memory.size).toEqual({ texts: 0, logs: 0, sets: 0, characters: 0 });
  expect([clock.timers, all[0].directory.streams.open, network.listeners]).toEqual([0, 0, listeners]);
  all[0].directory.close();
  all[0].requests.close();
  expect(network.listeners).toBe(0);
});

it('the streams of one session that can be resumed are bounded', async () => {
  const { all, memory } = instances(1, { isLater: false });
  const session = await all[0].open();
  for (let n = 0; n < 200; n++) session.openStream(new Sink()).end('done');
  await settle();
  expect(memory.size.logs).toBe(32);
  await all[0].directory.end(session);
  await settle();
  expect(memory.size).toEqual({ texts: 0, logs: 0, sets: 0, characters: 0 });
});

describe('the option sessions', () => {
  it.each([
    [undefined, 'auto'],
    ['auto', 'auto'],
    [true, true],
    [false, false],
    [{}, 'auto'],
    [{ mode: true }, true],
  ] as const)('%o means mode %o', (given, mode) => {
    expect(resolveSessions(given)).toMatchObject({ mode, idleTimeoutSeconds: 1_800, maxSessions: 10_000 });
  });

  it.each([
    ['on', /^option "sessions" must be/],
    [1, /^option "sessions" must be/],
    [null, /^option "sessions" must be/],
    [{ mode: 'on' }, /^option "sessions.mode" must be/],
    [
      { idleTimeoutSecond: 1 },
      /^option "sessions.idleTimeoutSecond" is not known \(did you mean "idleTimeoutSeconds"\?\)/,
    ],
    [{ idleTimeoutSeconds: 0 }, /^option "sessions.idleTimeoutSeconds" must be an integer/],
    [{ maxSessions: 1.5 }, /^option "sessions.maxSessions" must be an integer/],
    [{ retryMs: -1 }, /^option "sessions.retryMs" must be an integer/],
  ])('refuses %o', (given, message) => {
    expect(() => resolveSessions(given)).toThrow(message);
  });
});
