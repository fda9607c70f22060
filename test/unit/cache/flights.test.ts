import { expect, it } from 'vitest';
import { type Flight, Flights } from '../../../src/cache/flights.ts';
import { Generations } from '../../../src/cache/generations.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { settle } from './instances.ts';

function create() {
  const clock = new FakeClock();
  const flights = new Flights<string>(clock);
  const generations = new Generations(100);
  const result = Promise.withResolvers<string>();
  const start = (key = 'key', tags: readonly string[] = []): Flight<string> =>
    flights.start(key, tags, generations.now, () => result.promise);
  return { clock, flights, generations, result, start };
}

it('gives all who join the same value, and is over then', async () => {
  const { flights, generations, result, start } = create();
  const flight = start();
  const { signal } = new AbortController();
  const all = Promise.all([
    flight.join(signal),
    flight.join(signal),
    flights.find('key', generations)?.join(undefined),
  ]);
  result.resolve('value');
  expect(await all).toEqual(['value', 'value', 'value']);
  expect(flights.size).toBe(0);
});

it('gives all who join the same error, and is over then', async () => {
  const { flights, result, start } = create();
  const flight = start();
  const all = [flight.join(undefined), flight.join(new AbortController().signal)];
  result.reject(new Error('no'));
  for (const one of all) await expect(one).rejects.toThrow('no');
  expect(flights.size).toBe(0);
});

it('lets one leave without ending it for the others', async () => {
  const { result, start } = create();
  const flight = start();
  const [leaving, staying] = [new AbortController(), new AbortController()];
  const left = flight.join(leaving.signal);
  const stayed = flight.join(staying.signal);
  leaving.abort(new Error('gone'));
  await expect(left).rejects.toThrow('gone');
  expect(flight.signal.aborted).toBe(false);
  result.resolve('value');
  expect(await stayed).toBe('value');
});

it('is given up when all have left, and is joined by nobody then', async () => {
  const { flights, generations, start, result } = create();
  const flight = start();
  const callers = [new AbortController(), new AbortController()];
  const all = callers.map(({ signal }) => flight.join(signal));
  for (const caller of callers) caller.abort(new Error('gone'));
  for (const one of all) await expect(one).rejects.toThrow('gone');
  expect(flight.signal.aborted).toBe(true);
  expect(flights.find('key', generations)).toBeUndefined();
  const next = start();
  expect(flights.find('key', generations)).toBe(next);
  result.reject(new Error('aborted')); // The end of the one given up is not that of its successor.
  await settle();
  expect(flights.size).toBe(0);
});

it('goes on without anybody where one joined who cannot leave', async () => {
  const { flights, start, result } = create();
  const flight = start();
  const caller = new AbortController();
  void flight.join(undefined);
  const left = flight.join(caller.signal);
  caller.abort();
  await expect(left).rejects.toThrow();
  expect(flight.signal.aborted).toBe(false);
  result.resolve('value');
  await settle();
  expect(flights.size).toBe(0);
});

it('refuses one who left before, and does not count them', async () => {
  const { start, result } = create();
  const flight = start();
  const staying = flight.join(new AbortController().signal);
  await expect(flight.join(AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  expect(flight.signal.aborted).toBe(false);
  result.resolve('value');
  expect(await staying).toBe('value');
});

it('leaves no listener behind', async () => {
  const { start, result } = create();
  const flight = start();
  const caller = new AbortController();
  const joined = flight.join(caller.signal);
  result.resolve('value');
  await joined;
  caller.abort();
  expect(flight.signal.aborted).toBe(false);
});

it('is not joined after an invalidation of it, and is after one of something else', () => {
  const { flights, generations, start } = create();
  void start('key', ['t']).join(undefined);
  generations.record({ kind: 'tag', value: 'other' });
  expect(flights.find('key', generations)).toBeDefined();
  generations.record({ kind: 'tag', value: 't' });
  expect(flights.find('key', generations)).toBeUndefined();
});

it('ends where its work throws at once', async () => {
  const { flights } = create();
  const flight = flights.start('key', [], 0, () => {
    throw new Error('at once');
  });
  await expect(flight.join(undefined)).rejects.toThrow('at once');
  expect(flights.size).toBe(0);
});

it('lets nobody wait for one that hangs', () => {
  const { clock, flights, generations, start } = create();
  const hanging = start();
  clock.advance(59_999);
  expect(flights.find('key', generations)).toBe(hanging);
  clock.advance(1);
  expect(flights.find('key', generations)).toBeUndefined();
  const next = start();
  expect(flights.find('key', generations)).toBe(next);
});
