import { expect, it } from 'vitest';
import { TurnQueue } from '../../../src/limit/turn-queue.ts';
import { FakeClock } from '../../../src/testing/testing.ts';

function rig() {
  const clock = new FakeClock();
  const deferred: (() => void)[] = [];
  const done: string[] = [];
  const queue = new TurnQueue(clock, 20, (run) => void deferred.push(run));
  const add = (name: string, ms: number) =>
    queue.add(() => {
      done.push(`${name} waited ${queue.waitedMs(clock.now())}`);
      clock.advance(ms);
    });
  return { clock, queue, done, add, deferred, turn: () => deferred.shift()?.() };
}

it('begins work in its order, at most a slice of it in a turn, and knows how long it has waited', () => {
  const { clock, queue, done, add, turn, deferred } = rig();
  queue.active = true;
  for (const name of ['a', 'b', 'c']) add(name, 15);
  expect(done).toEqual([]);
  clock.advance(5);
  expect(queue.standingMs(clock.now())).toBe(5);
  turn();
  expect(done).toEqual(['a waited 5', 'b waited 20']);
  expect([queue.active, queue.standingMs(clock.now()), queue.waitedMs(clock.now())]).toEqual([true, 35, 0]);
  add('d', 1);
  expect(deferred).toHaveLength(1);
  turn();
  expect(done.slice(2)).toEqual(['c waited 35', 'd waited 15']);
  expect([queue.active, queue.standingMs(clock.now()), deferred.length]).toEqual([false, 0, 0]);
});

it('takes along what comes while it works', () => {
  const { queue, done, add, turn } = rig();
  queue.add(() => add('later', 1));
  turn();
  expect(done).toEqual(['later waited 0']);
  expect(queue.active).toBe(false);
});

it('goes on after work that throws', () => {
  const { queue, done, add, turn } = rig();
  queue.active = true;
  queue.add(() => {
    throw new Error('no');
  });
  add('next', 1);
  expect(turn).toThrow('no');
  turn();
  expect(done).toEqual(['next waited 0']);
  expect(queue.active).toBe(false);
});
