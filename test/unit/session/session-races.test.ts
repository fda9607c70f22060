import { describe, expect, it } from 'vitest';
import { placeOf } from '../../../src/session/session.ts';
import { settle } from '../support/test-server.ts';
import { instances, Sink } from './instances.ts';

const place = (id: string) => placeOf(id) ?? expect.fail(`no event's id: ${id}`);

describe('a stream that a client came back to', () => {
  it.each([true, false])(
    'gets each event at once, however soon one follows another (store that answers later: %s)',
    async (isLater) => {
      for (let pause = 0; pause < 30; pause++) {
        const { all } = instances(1, { isLater });
        const session = await all[0].open();
        const [lost, found] = [new Sink(), new Sink()];
        const stream = session.openStream(lost);
        stream.push('0');
        await settle();
        lost.leave();
        await all[0].directory.streams.resume(session, found, place(lost.lastId));
        stream.push('1');
        for (let n = 0; n < pause; n++) await Promise.resolve();
        stream.end('2');
        await settle();
        expect([pause, ...found.texts]).toEqual([pause, '1', '2']);
        expect(found.isFinished).toBe(true);
      }
    },
  );

  it('keeps its claim when it takes the GET stream from a connection that only seems to live', async () => {
    for (const isLater of [true, false]) {
      const { all } = instances(1, { isLater });
      const session = await all[0].open();
      const [stale, back, second] = [new Sink(), new Sink(), new Sink()];
      await all[0].directory.streams.listen(session, stale);
      await settle();
      await all[0].directory.streams.resume(session, back, place(stale.lastId));
      await settle();
      expect([isLater, await all[0].directory.streams.listen(session, second)]).toEqual([isLater, false]);
      expect([stale.isFinished, back.isFinished]).toEqual([true, false]);
      back.leave();
      await settle();
      expect(await all[0].directory.streams.listen(session, second)).toBe(true);
    }
  });

  it('does not begin once its session has ended', async () => {
    const { all } = instances(1);
    const session = await all[0].open();
    const sink = new Sink();
    const ended = all[0].directory.end(session);
    await Promise.all([all[0].directory.streams.listen(session, sink), ended]);
    await settle();
    expect([sink.isFinished, all[0].directory.streams.open]).toEqual([true, 0]);
  });
});

describe('changes of a session', () => {
  it('are all made, however many come at once', async () => {
    const { all } = instances(2);
    const session = await all[0].open();
    const there = (await all[1].find(session.id)) ?? expect.fail('is gone');
    const uris = Array.from({ length: 60 }, (_, n) => `x://${n}`);
    await Promise.all(uris.map((uri, n) => (n % 2 === 0 ? session : there).watch(uri)));
    await settle();
    expect([...((await all[0].find(session.id))?.record.watched ?? [])].sort()).toEqual([...uris].sort());
  });

  it('do not bring back one that has ended', async () => {
    const { all, memory } = instances(2);
    const session = await all[0].open();
    const there = (await all[1].find(session.id)) ?? expect.fail('is gone');
    await there.setLevel('error');
    await settle();
    memory.delete(`session:${session.id}`); // As by an instance whose word of it is still on its way.
    await expect(session.setLevel('info')).rejects.toMatchObject({ code: 'SESSION_GONE' });
    expect(memory.size.texts).toBe(0);
  });
});

describe('room for another session', () => {
  it('is not made at the cost of others by a principal that has all it may have', async () => {
    const { all, clock } = instances(1, { maxPerPrincipal: 2 });
    const bob = await all[0].open('bob');
    clock.advance(1);
    for (const _ of [1, 2]) await all[0].open('alice');
    clock.advance(61_000);
    await all[0].open('alice').catch(() => {});
    expect(await all[0].find(bob.id, 'bob')).toBe(bob);
  });

  it('is not made by one that is used at another instance', async () => {
    const { all, clock } = instances(2, { maxSessions: 2 });
    const used = await all[0].open();
    const idle = await all[0].open();
    for (let seconds = 0; seconds < 120; seconds += 6) {
      clock.advance(6_000);
      expect(await all[1].find(used.id)).toMatchObject({ id: used.id });
      await settle();
    }
    await all[0].open();
    await settle();
    expect(await all[1].find(used.id)).toMatchObject({ id: used.id });
    expect(await all[1].find(idle.id)).toBeUndefined();
  });

  it('is not made by one in which something goes on at another instance', async () => {
    const { all, clock } = instances(2, { maxSessions: 2 });
    const busy = await all[0].open();
    ((await all[1].find(busy.id)) ?? expect.fail('is gone')).openStream(new Sink());
    const idle = await all[0].open();
    for (let tens = 0; tens < 12; tens++) {
      clock.advance(10_000);
      await settle();
    }
    await all[0].open();
    await settle();
    expect(await all[1].find(busy.id)).toMatchObject({ id: busy.id });
    expect(await all[1].find(idle.id)).toBeUndefined();
  });
});

it('a session in which something goes on does not end, however short its time is', async () => {
  const { all, clock } = instances(1, { idleTimeoutSeconds: 1 });
  const session = await all[0].open();
  let cancelled = 0;
  const over = session.started(1, { cancel: () => cancelled++, fail: () => {} });
  for (let quarters = 0; quarters < 120; quarters++) {
    clock.advance(250);
    await settle(1);
  }
  expect(cancelled).toBe(0);
  expect(await all[0].find(session.id)).toBe(session);
  over();
  clock.advance(60_000);
  await settle();
  expect(await all[0].find(session.id)).toBeUndefined();
});

describe('an instance that stops', () => {
  it('lets answers be written to their end, also those that no client reads just now', async () => {
    const { all } = instances(2);
    const session = await all[0].open();
    const [lost, found] = [new Sink(), new Sink()];
    const stream = session.openStream(lost);
    await settle();
    lost.leave();
    let isFinished = false;
    const finished = all[0].directory.finish(new Promise(() => {})).then(() => {
      isFinished = true;
    });
    all[0].directory.close();
    const there = (await all[1].find(session.id)) ?? expect.fail('is gone');
    await all[1].directory.streams.resume(there, found, place(lost.lastId));
    await settle();
    expect(isFinished).toBe(false);
    stream.end('done');
    await finished;
    await settle();
    expect(found.texts).toEqual(['done']);
  });

  it('says so at the deadline, and waits a moment for that to be kept', async () => {
    const { all, clock } = instances(1);
    const session = await all[0].open();
    const streams = [new Sink(), new Sink()].map((sink) => session.openStream(sink));
    session.started(1, { cancel: () => {}, fail: (error) => streams[0]?.end(String((error as Error).message)) });
    const deadline = Promise.withResolvers<void>();
    const finished = all[0].directory.finish(deadline.promise);
    deadline.resolve();
    await settle();
    clock.advance(1_000);
    await finished;
    const sink = new Sink();
    await all[0].directory.streams.resume(session, sink, { stream: streams[0]?.name ?? '', number: 1 });
    expect(sink.texts).toEqual(['The server stopped before this was done']);
  });

  it('has those come back elsewhere that come to it now', async () => {
    const { all } = instances(2);
    const session = await all[0].open();
    const [lost, found, listening] = [new Sink(), new Sink(), new Sink()];
    session.openStream(lost).push('said');
    await settle();
    all[0].directory.close();
    expect(await all[0].directory.streams.resume(session, found, { ...place(lost.lastId), number: 1 })).toBe(true);
    expect([found.texts, found.isFinished]).toEqual([['said'], true]);
    expect(await all[0].directory.streams.listen(session, listening)).toBe(true);
    await settle();
    expect(listening.isFinished).toBe(true);
    const there = (await all[1].find(session.id)) ?? expect.fail('is gone');
    expect(await all[1].directory.streams.resume(there, new Sink(), place(listening.lastId))).toBe(true);
  });

  it('waits for nothing where there is nothing to wait for', async () => {
    const { all, clock } = instances(1);
    await all[0].open();
    const timers = clock.timers;
    await all[0].directory.finish(new Promise(() => {}));
    expect(clock.timers).toBe(timers);
  });
});

it('a GET stream whose instance died without a word keeps nobody from another one', async () => {
  const { all, clock, network } = instances(3);
  const [dead, alive, third] = [all[0], all[1], all[2] ?? expect.fail('no instance')];
  const session = await dead.open();
  await dead.directory.streams.listen(session, new Sink());
  network.leave('instance-0');
  const there = (await alive.find(session.id)) ?? expect.fail('is gone');
  const elsewhere = (await third.find(session.id)) ?? expect.fail('is gone');
  const sinks = [new Sink(), new Sink()] as const;
  const begun = [alive.directory.streams.listen(there, sinks[0]), third.directory.streams.listen(elsewhere, sinks[1])];
  await settle();
  expect(sinks.map(({ isOpen }) => isOpen)).toEqual([false, false]);
  clock.advance(1_000);
  expect((await Promise.all(begun)).sort()).toEqual([false, true]);
  expect(sinks.filter(({ isOpen, isFinished }) => isOpen && !isFinished)).toHaveLength(1);
  expect(await alive.directory.streams.listen(there, new Sink())).toBe(false);
  expect(await third.directory.streams.listen(elsewhere, new Sink())).toBe(false);
});

it('sessions in which something goes on are kept by some calls at once, not by all', async () => {
  const { all, clock, later } = instances(1, { idleTimeoutSeconds: 40 });
  const sessions = await Promise.all(Array.from({ length: 500 }, () => all[0].open()));
  for (const session of sessions) await all[0].directory.streams.listen(session, new Sink());
  later.most = 0;
  for (let tens = 0; tens < 6; tens++) {
    clock.advance(10_000);
    await settle();
  }
  expect(later.most).toBeLessThanOrEqual(64);
  for (const session of sessions) {
    expect(await all[0].find(session.id)).toBe(session);
    expect(await all[0].directory.streams.listen(session, new Sink())).toBe(false);
  }
});
