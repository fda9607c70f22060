import { describe, expect, it } from 'vitest';
import { placeOf } from '../../../src/session/session.ts';
import { settle } from '../support/test-server.ts';
import { instances, Sink } from './instances.ts';

const place = (id: string) => placeOf(id) ?? expect.fail(`no event's id: ${id}`);

describe('a session over several instances', () => {
  it('is known to each of them', async () => {
    const { all } = instances(2);
    const session = await all[0].open('alice');
    expect(await all[1].find(session.id, 'alice')).toMatchObject({ id: session.id, principal: 'alice' });
    expect(await all[1].find(session.id, 'bob')).toBeUndefined();
  });

  it('changes and ends everywhere', async () => {
    const { all } = instances(2);
    const session = await all[0].open();
    const there = await all[1].find(session.id);
    await session.setLevel('error');
    await settle();
    expect(await all[1].find(session.id)).toMatchObject({ logLevel: 'error' });
    await Promise.all([session.watch('x://a'), there?.watch('x://b')]);
    await settle();
    for (const { find } of all.map((each) => ({ find: () => each.find(session.id) })))
      expect([...((await find())?.record.watched ?? [])].sort()).toEqual(['x://a', 'x://b']);
    await all[1].directory.end((await all[1].find(session.id)) ?? expect.fail('is gone'));
    await settle();
    expect(await all[0].find(session.id)).toBeUndefined();
  });

  it('is needed everywhere once one instance needs it', async () => {
    const { all } = instances(2);
    all[0].directory.need();
    await settle();
    expect(all[1].directory.isNeeded()).toBe(true);
  });

  it('is needed in an instance that begins later, as long as another one knows', async () => {
    const { all, begin, clock } = instances(1);
    expect(await all[0].directory.isNeeded()).toBe(false);
    all[0].directory.need();
    await settle();
    expect(await begin(1).directory.isNeeded()).toBe(true);
    for (let hours = 0; hours < 30; hours += 2) {
      clock.advance(2 * 3_600_000);
      expect(all[0].directory.isNeeded()).toBe(true);
      await settle();
    }
    expect(await begin(2).directory.isNeeded()).toBe(true);
    clock.advance(24 * 3_600_000);
    expect(await begin(3).directory.isNeeded()).toBe(false);
  });

  it('is known without asking the store again for some seconds', async () => {
    const { all, later, clock } = instances(1);
    const session = await all[0].open();
    later.isAway = true;
    clock.advance(5_000);
    expect(all[0].directory.peek(session.id, '')).toBe(session);
    clock.advance(1);
    expect(all[0].directory.peek(session.id, '')).toBeUndefined();
    await expect(all[0].find(session.id)).rejects.toMatchObject({ code: 'STATE_STORE', retryable: true });
    later.isAway = false;
    expect(await all[0].find(session.id)).toBe(session);
  });

  it('has its requests cancelled wherever they run', async () => {
    const { all } = instances(2);
    const session = await all[0].open();
    let cancelled = 0;
    session.started(7, { cancel: () => cancelled++, fail: () => {} });
    all[1].directory.cancel((await all[1].find(session.id)) ?? expect.fail('is not known'), 7);
    await settle();
    expect(cancelled).toBe(1);
  });

  it('has its requests answered through any of them', async () => {
    const { all } = instances(2);
    const session = await all[0].open();
    const sent: string[] = [];
    const link = { owner: session.id, principal: '', send: (text: string) => void sent.push(text) };
    const answer = all[0].requests.ask(link, { method: 'roots/list' });
    const { id } = JSON.parse(sent[0] ?? '') as { id: string };
    const response = { jsonrpc: '2.0' as const, id, result: { roots: [] } };
    all[1].requests.take({ ...response, result: { forged: true } }, { owner: 'another', principal: '' });
    all[1].requests.take({ ...response, result: { forged: true } }, { owner: session.id, principal: 'mallory' });
    all[1].requests.take(response, { owner: session.id, principal: '' });
    expect(await answer).toEqual({ roots: [] });
    expect(all[0].requests.open).toBe(0);
  });
});

describe('a stream over several instances', () => {
  it('is resumed at another one, live, and to its end', async () => {
    const { all } = instances(2);
    const session = await all[0].open();
    const first = new Sink();
    const stream = session.openStream(first);
    stream.push('one');
    stream.push('two');
    await settle();
    first.leave();
    stream.push('three');
    const second = new Sink();
    const there = (await all[1].find(session.id)) ?? expect.fail('is not known');
    expect(await all[1].directory.streams.resume(there, second, place(first.lastId))).toBe(true);
    expect(second.texts).toEqual(['three']);
    stream.push('four');
    await settle();
    expect(second.texts).toEqual(['three', 'four']);
    stream.end('five');
    await settle();
    expect(first.texts).toEqual(['one', 'two']);
    expect([second.texts, second.isFinished]).toEqual([['three', 'four', 'five'], true]);
    expect(new Set(second.events.map(([id]) => id)).size).toBe(3);
  });

  it('goes to whoever resumed it last, also while the first answer is still there', async () => {
    const { all } = instances(3);
    const session = await all[0].open();
    const sinks = [new Sink(), new Sink(), new Sink()] as const;
    const stream = session.openStream(sinks[0]);
    stream.push('one');
    await settle();
    for (const n of [1, 2] as const) {
      const each = all[n] ?? expect.fail('no such instance');
      const there = (await each.find(session.id)) ?? expect.fail('is not known');
      await each.directory.streams.resume(there, sinks[n], place(sinks[0].lastId));
      await settle();
    }
    stream.end('two');
    await settle();
    expect(sinks.map(({ texts }) => texts)).toEqual([['one'], [], ['two']]);
    expect(sinks.map(({ isFinished }) => isFinished)).toEqual([true, true, true]);
  });

  it('is written on where a GET stream is resumed, and by nobody else', async () => {
    const { all } = instances(2);
    const session = await all[0].open();
    const [first, second] = [new Sink(), new Sink()];
    expect(await all[0].directory.streams.listen(session, first)).toBe(true);
    const there = (await all[1].find(session.id)) ?? expect.fail('is not known');
    expect(await all[1].directory.streams.listen(there, second)).toBe(false);
    const announce = async (text: string): Promise<void> => {
      for (const { directory } of all) directory.streams.announce(text, () => true);
      await settle();
    };
    await announce('one');
    first.leave();
    await announce('two');
    expect(await all[1].directory.streams.resume(there, second, place(first.lastId))).toBe(true);
    await settle();
    await announce('three');
    expect([first.texts, second.texts]).toEqual([['one'], ['two', 'three']]);
    expect(await all[0].directory.streams.listen(session, new Sink())).toBe(false);
  });

  it('goes on for its client while the store is away, without ids', async () => {
    const { all, later } = instances(1);
    const session = await all[0].open();
    const sink = new Sink();
    const stream = session.openStream(sink);
    await settle();
    later.isAway = true;
    stream.push('one');
    await settle();
    later.isAway = false;
    stream.end('two');
    await settle();
    expect(sink.events.slice(1)).toEqual([
      [undefined, 'one'],
      [expect.stringMatching(/_2$/), 'two'],
    ]);
    expect(all[0].faults).toHaveLength(1);
  });

  it('ends for who reads it when its instance is gone and its log is over', async () => {
    const { all, clock } = instances(2, { eventTtlSeconds: 60 });
    const session = await all[0].open();
    const first = new Sink();
    session.openStream(first).push('one');
    await settle();
    all[0].directory.close(); // As good as killed: nothing comes of it any more.
    const there = (await all[1].find(session.id)) ?? expect.fail('is not known');
    const second = new Sink();
    await all[1].directory.streams.resume(there, second, place(first.lastId));
    for (let tens = 0; tens < 8; tens++) {
      clock.advance(10_000);
      await settle(2);
    }
    expect([second.texts, second.isFinished]).toEqual([[], true]);
  });
});
