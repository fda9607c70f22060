import { beforeEach, describe, expect, it } from 'vitest';
import { ConfigFile, type FileAccess } from '../../../../src/balance/sources/config-file.ts';
import { FakeClock } from '../../../../src/testing/fake-clock.ts';
import { settle } from '../../cache/instances.ts';

let clock: FakeClock;
let content: string | Error;
let reads: number;
let happened: ((name: string | undefined) => void) | undefined;
let told: unknown[];
let problems: string[];
let file: ConfigFile<unknown>;

const files: FileAccess = {
  async read(path) {
    expect(path).toBe('/etc/gateway/gateway.json');
    reads++;
    if (content instanceof Error) throw content;
    return content;
  },
  watch(folder, listener) {
    expect(folder).toBe('/etc/gateway');
    happened = listener;
    return () => {
      happened = undefined;
    };
  },
};

beforeEach(() => {
  clock = new FakeClock();
  content = '{"a":1}';
  [reads, told, problems, happened] = [0, [], [], undefined];
  const path = '/etc/gateway/gateway.json';
  file = new ConfigFile({ path, parse: (text) => JSON.parse(text) as unknown }, { clock, files });
});

const start = (): Promise<void> =>
  file.start(
    (value) => told.push(value),
    (error) => problems.push((error as Error).message),
  );

/** Writes, tells of it, and waits out the debounce. */
async function write(text: string | Error, name: string | undefined = 'gateway.json'): Promise<void> {
  content = text;
  happened?.(name);
  clock.advance(100);
  await settle();
}

describe('ConfigFile', () => {
  it('tells the first content before it has started, and each other one', async () => {
    await start();
    expect(told).toEqual([{ a: 1 }]);
    await write('{"a":2}');
    await write('{"a":2}');
    expect(told).toEqual([{ a: 1 }, { a: 2 }]);
  });

  it('reads once after a burst of events, and not for other files of the folder', async () => {
    await start();
    content = '{"a":2}';
    for (let event = 0; event < 50; event++) {
      happened?.('gateway.json');
      clock.advance(20);
    }
    happened?.('another.json');
    await settle();
    expect(reads).toBe(1);
    clock.advance(100);
    await settle();
    expect(reads).toBe(2);
    expect(told.at(-1)).toEqual({ a: 2 });
  });

  it.each([['..data'], [undefined]])('looks when the system tells of %s', async (name) => {
    await start();
    content = '{"a":2}';
    happened?.(name);
    clock.advance(100);
    await settle();
    expect(told).toEqual([{ a: 1 }, { a: 2 }]);
  });

  it('finds out by itself where no event comes, reading every 5 s and no more often', async () => {
    await start();
    content = '{"a":2}';
    clock.advance(4_999);
    await settle();
    expect(reads).toBe(1);
    clock.advance(1);
    await settle();
    expect(told.at(-1)).toEqual({ a: 2 });
    for (let period = 0; period < 12; period++) {
      clock.advance(5_000);
      await settle();
    }
    expect(reads).toBe(14);
  });

  it('tells once what is wrong with it, keeps what was right, and recovers', async () => {
    await start();
    await write('{"a":');
    await write('{"a":');
    expect(problems).toHaveLength(1);
    await write('a');
    expect(problems).toHaveLength(2);
    await write('{"a":1}');
    expect(told).toEqual([{ a: 1 }]);
    await write('{"a":');
    expect(problems).toHaveLength(3);
    await write('{"a":3}');
    expect(told).toEqual([{ a: 1 }, { a: 3 }]);
  });

  it('survives that the file is deleted, and sees it when it is back', async () => {
    await start();
    await write(new Error('ENOENT: gateway.json'));
    clock.advance(5_000);
    await settle();
    expect(problems).toEqual(['ENOENT: gateway.json']);
    await write('{"a":4}');
    expect(told.at(-1)).toEqual({ a: 4 });
  });

  it('looks again when something happens while it reads', async () => {
    await start();
    let release: (text: string) => void = () => {};
    const slow = new ConfigFile(
      { path: '/etc/gateway/gateway.json', parse: JSON.parse },
      { clock, files: { ...files, read: () => new Promise((done) => (release = done)) } },
    );
    const values: unknown[] = [];
    const started = slow.start(
      (value) => values.push(value),
      () => {},
    );
    release('{"b":1}');
    await started;
    happened?.('gateway.json');
    clock.advance(100);
    happened?.('gateway.json');
    clock.advance(100);
    release('{"b":2}');
    await settle();
    release('{"b":3}');
    await settle();
    expect(values).toEqual([{ b: 1 }, { b: 2 }, { b: 3 }]);
  });

  it.each([['{"a":'], [new Error('ENOENT')]])('cannot start with %j, and leaves nothing behind', async (first) => {
    content = first;
    await expect(start()).rejects.toThrow();
    expect(happened).toBeUndefined();
    expect(clock.timers).toBe(0);
    expect(told).toEqual([]);
  });

  it('tells nothing once it is stopped', async () => {
    await start();
    content = '{"a":2}';
    happened?.('gateway.json');
    file.stop();
    clock.advance(60_000);
    await settle();
    expect([told.length, reads, clock.timers, happened]).toEqual([1, 1, 0, undefined]);
  });

  it('names a wrong option', () => {
    const options = { path: '/x', parse: JSON.parse, debounceMs: 0 };
    expect(() => new ConfigFile(options)).toThrow('option "file.debounceMs" must be an integer from 1 to 60000, got 0');
  });
});
