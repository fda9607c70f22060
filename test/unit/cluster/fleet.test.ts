import { describe, expect, it } from 'vitest';
import { Fleet } from '../../../src/cluster/fleet.ts';
import type { SupervisorOptions } from '../../../src/cluster/options.ts';
import { FakeLauncher, fakeOptions, settle } from './fake-launcher.ts';

async function startFleet(count: number, options: Partial<SupervisorOptions> = {}, kind?: 'process' | 'thread') {
  const launcher = new FakeLauncher(kind);
  const { clock, resolved } = fakeOptions(options);
  const fleet = new Fleet(resolved, launcher, 'a secret');
  const log: string[] = [];
  fleet.changed.on(({ instance, stage }) => log.push(`${instance.name} ${stage}`));
  const starting = fleet.start();
  launcher.at(0).serves();
  await starting;
  fleet.scaleTo(count);
  for (const instance of launcher.launched.slice(1)) instance.serves();
  await settle();
  for (const instance of launcher.launched) instance.received.splice(0);
  log.splice(0);
  return { fleet, launcher, clock, log };
}

describe('a fleet', () => {
  it('starts the others once the first one serves, each under a name of its own', async () => {
    const launcher = new FakeLauncher();
    const { resolved } = fakeOptions();
    const fleet = new Fleet(resolved, launcher, 'a secret');
    const starting = fleet.start();
    expect(launcher.launched.length).toBe(1);
    launcher.at(0).serves();
    expect((await starting).url).toBe('http://127.0.0.1:4321/mcp');
    fleet.scaleTo(3);
    expect(launcher.launched.map(({ place }) => place.name)).toEqual(['1', '2', '3']);
    expect(launcher.at(2).place).toEqual({
      name: '3',
      machine: { cores: 2, memoryBytes: 2 * 2 ** 30 },
      stateSecret: 'a secret',
      reusePort: false,
      port: undefined,
    });
  });

  it('fails with the reason when the first one ends before it serves, and tries no other', async () => {
    const launcher = new FakeLauncher();
    const { resolved } = fakeOptions();
    const starting = new Fleet(resolved, launcher, 's').start();
    launcher.at(0).exit('code 1', false);
    await expect(starting).rejects.toMatchObject({
      code: 'INSTANCE_FAILED',
      message: 'instance 1 failed to start: it ended (code 1)',
    });
    expect(launcher.launched.length).toBe(1);
  });

  it('fails when the first one does not serve in time', async () => {
    const launcher = new FakeLauncher();
    const { resolved, clock } = fakeOptions({ startTimeoutMs: 5_000 });
    const starting = new Fleet(resolved, launcher, 's').start();
    clock.advance(4_999);
    expect(launcher.at(0).isKilled).toBe(false);
    clock.advance(1);
    await expect(starting).rejects.toThrow('it did not serve within 5000 ms');
  });

  it('replaces one that ends, under its name', async () => {
    const { launcher, log, fleet } = await startFleet(2);
    launcher.at(1).exit('SIGKILL', false);
    expect(log).toEqual(['2 gone', '2 starting']);
    expect(launcher.at(2).place.name).toBe('2');
    expect(fleet.instances.length).toBe(2);
  });

  it('tries ever less often what ends soon, and at once what served for a while', async () => {
    const { launcher, clock } = await startFleet(2);
    const last = () => launcher.at(launcher.launched.length - 1);
    const waits: number[] = [];
    launcher.at(1).exit('code 1', false);
    for (let round = 0; round < 8; round++) {
      const before = launcher.launched.length;
      last().exit('code 1', false);
      let waited = 0;
      for (; launcher.launched.length === before; waited += 25) {
        clock.advance(25);
        launcher.at(0).beats();
      }
      waits.push(waited);
    }
    expect(waits).toEqual([150, 300, 600, 1_200, 2_400, 4_800, 9_600, 19_200].map((wait) => Math.ceil(wait / 25) * 25));
    last().serves();
    launcher.beatFor(clock, 10_000);
    const before = launcher.launched.length;
    last().exit('code 1', false);
    expect(launcher.launched.length).toBe(before + 1);
  });

  it('drains the newest when there are too many, and counts one that drains by itself as missing', async () => {
    const { fleet, launcher, log } = await startFleet(4);
    fleet.scaleTo(2);
    expect(launcher.launched.map(({ told }) => told)).toEqual([[], [], ['drain'], ['drain']]);
    launcher.at(0).says({ kind: 'draining' });
    expect(log.slice(-2)).toEqual(['1 draining', '5 starting']);
  });

  it('ends one that it no longer needs before it serves', async () => {
    const { fleet, launcher } = await startFleet(2);
    const failures: unknown[] = [];
    fleet.changed.on(({ instance, stage }) => stage === 'gone' && failures.push(instance.failure));
    fleet.scaleTo(3);
    fleet.scaleTo(2);
    expect(launcher.at(2).isKilled).toBe(true);
    expect(failures).toEqual([undefined]);
    await settle();
    expect(launcher.launched.length).toBe(3);
  });

  it('has the others let go of a share of their connections when one comes', async () => {
    const { fleet, launcher } = await startFleet(3);
    fleet.scaleTo(4);
    launcher.at(3).serves();
    await settle();
    expect(launcher.launched.map(({ received }) => received)).toEqual([
      [{ kind: 'rebalance', share: 1 / 4 }],
      [{ kind: 'rebalance', share: 1 / 4 }],
      [{ kind: 'rebalance', share: 1 / 4 }],
      [],
    ]);
  });

  it('replaces all, one by one, each once its successor serves', async () => {
    const { fleet, launcher, log } = await startFleet(2);
    const rolled = fleet.roll();
    expect(fleet.roll()).toBe(rolled);
    expect(log).toEqual(['3 starting']);
    launcher.at(2).serves();
    await settle();
    expect(log.slice(1)).toEqual(['3 ready', '1 draining']);
    expect(launcher.launched.length).toBe(3);
    launcher.at(0).exit();
    await settle();
    expect(log.slice(3)).toEqual(['1 gone', '1 starting']);
    launcher.at(3).serves();
    await settle();
    launcher.at(1).exit();
    await rolled;
    expect(fleet.instances.map(({ name, stage }) => `${name} ${stage}`)).toEqual(['3 ready', '1 ready']);
  });

  it('stops to replace when a new one does not start, and keeps the old ones', async () => {
    const { fleet, launcher } = await startFleet(2);
    const rolled = fleet.roll();
    launcher.at(2).exit('code 1', false);
    await expect(rolled).rejects.toThrow('instance 3 failed to start');
    expect(fleet.instances.map(({ name, stage }) => `${name} ${stage}`)).toEqual(['1 ready', '2 ready']);
    await settle();
    expect(launcher.launched.length).toBe(3);
  });

  it('starts none in place of the first one before that serves', async () => {
    const launcher = new FakeLauncher();
    const fleet = new Fleet(fakeOptions().resolved, launcher, 's');
    const starting = fleet.start();
    const rolled = fleet.roll();
    await settle();
    expect(launcher.launched.length).toBe(1);
    launcher.at(0).serves();
    await starting;
    await settle();
    launcher.at(1).serves();
    await settle();
    expect(launcher.at(0).told).toEqual(['drain']);
    launcher.at(0).exit();
    await rolled;
  });

  it('goes on to replace when fewer are wanted meanwhile', async () => {
    const { fleet, launcher } = await startFleet(3);
    const rolled = fleet.roll();
    fleet.scaleTo(2);
    expect(launcher.at(3).isKilled).toBe(false);
    expect(launcher.at(2).told).toEqual(['drain']);
    launcher.at(2).exit();
    launcher.at(3).serves();
    await settle();
    launcher.at(0).exit();
    await settle();
    fleet.scaleTo(1);
    launcher.at(3).exit();
    launcher.at(4).serves();
    await settle();
    launcher.at(1).exit();
    await rolled;
    expect(fleet.instances.map(({ pid, stage }) => [pid, stage])).toEqual([[launcher.at(4).pid, 'ready']]);
  });

  it('replaces one that fails while others are replaced', async () => {
    const { fleet, launcher } = await startFleet(2);
    const rolled = fleet.roll();
    launcher.at(1).exit('SIGSEGV', false);
    expect(launcher.launched.length).toBe(3); // There are still as many as are wanted.
    launcher.at(2).serves();
    await settle();
    launcher.at(3).serves(); // In place of the first one, which drains.
    launcher.at(0).exit();
    await rolled;
    expect(fleet.instances.map(({ stage }) => stage)).toEqual(['ready', 'ready']);
  });

  it('drains all to stop, and ends those that take too long', async () => {
    const { fleet, launcher, clock } = await startFleet(2, { drainTimeoutMs: 5_000 });
    const stopped = fleet.stop();
    launcher.at(0).exit();
    clock.advance(5_000);
    await stopped;
    expect(launcher.at(1).isKilled).toBe(true);
    expect([fleet.instances.length, launcher.launched.length, clock.timers]).toEqual([0, 2, 0]);
  });

  it('asks for the same port again once all have ended', async () => {
    const { launcher, fleet, clock } = await startFleet(2);
    launcher.at(0).exit('SIGKILL', false);
    launcher.at(1).exit('SIGKILL', false);
    expect(launcher.launched.slice(2).map(({ place }) => place.port)).toEqual([undefined]);
    launcher.at(2).serves('http://127.0.0.1:5555/mcp'); // There was no socket left to share.
    await settle();
    expect(launcher.at(2).isKilled).toBe(true);
    clock.advance(1_000);
    expect(launcher.launched.slice(3).map(({ place }) => place.port)).toEqual([4_321, 4_321]);
    for (const instance of launcher.launched.slice(3)) instance.serves();
    await settle();
    expect(fleet.instances.map(({ stage }) => stage)).toEqual(['ready', 'ready']);
  });

  it('leaves alone what serves on another port because its program now says so', async () => {
    const { fleet, launcher } = await startFleet(2);
    const rolled = fleet.roll();
    for (const old of [0, 1]) {
      launcher.at(2 + old).serves('http://127.0.0.1:5555/mcp');
      await settle();
      launcher.at(old).exit();
      await settle();
    }
    await rolled;
    expect(fleet.instances.map(({ name, stage }) => `${name} ${stage}`)).toEqual(['3 ready', '1 ready']);
  });

  it('gives every thread the port that the first one got', async () => {
    const { launcher } = await startFleet(3, {}, 'thread');
    expect(launcher.launched.map(({ place }) => [place.port, place.reusePort])).toEqual([
      [undefined, true],
      [4_321, true],
      [4_321, true],
    ]);
  });
});

describe('the options of a supervisor', () => {
  it.each([
    [{ minInstances: 0 }, 'minInstances'],
    [{ minInstances: 3, maxInstances: 2 }, 'maxInstances'],
    [{ maxInstances: 65 }, 'maxInstances'],
    [{ kind: 'fiber' }, 'kind'],
    [{ file: 'nowhere.ts' }, 'file'],
    [{ args: 'a' }, 'args'],
    [{ unreadyAfterMs: 4_000 }, 'replaceAfterMs'],
    [{ drainTimeoutMs: 1.5 }, 'drainTimeoutMs'],
    [{ logger: 5 }, 'logger'],
    [{ instances: 2 }, 'minInstances'],
  ])('are checked: %j', (options, named) => {
    expect(() => fakeOptions(options as object)).toThrow(named);
  });

  it.each([
    [0.5, 2, 2],
    [2, 2, 2],
    [6, 2, 6],
    [16, 2, 16],
    [64, 2, 16],
  ])('let the number follow the load up to the cores: %d', (cores, minInstances, maxInstances) => {
    const { resolved } = fakeOptions({ machine: { cores, memoryBytes: 2 ** 30 } });
    expect(resolved).toMatchObject({ minInstances, maxInstances });
  });
});

describe('the watch over an instance', () => {
  it('finds one that falls silent not ready after a second, and ends it after three', async () => {
    const { launcher, clock, log } = await startFleet(2);
    const silent = launcher.at(1);
    launcher.beatFor(clock, 750, [silent]);
    expect(log).toEqual([]);
    launcher.beatFor(clock, 250, [silent]);
    expect(log).toEqual(['2 unresponsive']);
    launcher.beatFor(clock, 1_750, [silent]);
    expect(silent.isKilled).toBe(false);
    launcher.beatFor(clock, 250, [silent]);
    expect(silent.isKilled).toBe(true);
    expect(log).toEqual(['2 unresponsive', '2 gone', '2 starting']);
  });

  it('takes back one that beats again', async () => {
    const { launcher, clock, log } = await startFleet(2);
    launcher.beatFor(clock, 2_500, [launcher.at(1)]);
    launcher.beatFor(clock, 10_000);
    expect(log).toEqual(['2 unresponsive', '2 ready']);
  });

  it('ends nobody when it was the supervisor that stood still', async () => {
    const { launcher, clock, log, fleet } = await startFleet(2);
    // A process that is stopped and goes on finds its timers late, before it reads what has come.
    clock.advanceLate(1_000, 60_000);
    expect(log).toEqual([]);
    launcher.beatFor(clock, 5_000);
    expect(fleet.instances.map(({ stage }) => stage)).toEqual(['ready', 'ready']);
  });

  it('gives one that drains its time, though it is silent', async () => {
    const { launcher, clock, log } = await startFleet(2, { drainTimeoutMs: 20_000 });
    const draining = launcher.at(1);
    draining.says({ kind: 'draining' });
    launcher.at(2).serves();
    launcher.beatFor(clock, 19_750, [draining]);
    expect(draining.isKilled).toBe(false);
    launcher.beatFor(clock, 250, [draining]);
    expect(draining.isKilled).toBe(true);
    expect(log.filter((line) => line.startsWith('2'))).toEqual(['2 draining', '2 gone']);
  });
});

describe('what instances tell each other', () => {
  it('is a change: all others hear of it', async () => {
    const { launcher } = await startFleet(3);
    launcher.at(1).says({ kind: 'change', event: { kind: 'tools' } });
    expect(launcher.launched.map(({ received }) => received)).toEqual([
      [{ kind: 'change', event: { kind: 'tools' } }],
      [],
      [{ kind: 'change', event: { kind: 'tools' } }],
    ]);
  });

  it('is an invalidation: who wanted it hears when all others have carried it out', async () => {
    const { launcher } = await startFleet(3);
    const invalidation = { kind: 'key', value: 'a' };
    launcher.at(0).says({ kind: 'invalidate', id: 7, invalidation });
    launcher.at(1).says({ kind: 'invalidate', id: 7, invalidation });
    const [first, second] = launcher.at(2).received as { id: number }[];
    expect(launcher.at(2).received).toEqual([
      { kind: 'invalidate', id: first?.id, invalidation },
      { kind: 'invalidate', id: second?.id, invalidation },
    ]);
    launcher.at(2).says({ kind: 'done', id: Number(first?.id) });
    expect(launcher.at(0).told).toEqual(['invalidate']);
    launcher.at(1).says({ kind: 'done', id: Number(first?.id) });
    expect(launcher.at(0).received.at(-1)).toEqual({ kind: 'invalidated', id: 7, byAll: true });
    expect(launcher.at(1).told).toEqual(['invalidate']);
  });

  it('reaches one that starts, for that may serve already, and does not wait for it', async () => {
    const { launcher, fleet } = await startFleet(1);
    fleet.scaleTo(2);
    launcher.at(0).says({ kind: 'invalidate', id: 1, invalidation: {} });
    expect(launcher.at(0).told).toEqual(['invalidated']);
    expect(launcher.at(1).told).toEqual(['invalidate']);
    launcher.at(1).says({ kind: 'done', id: 1 });
    expect(launcher.at(0).told).toEqual(['invalidated']);
  });

  it('does not wait for one that ended, nor for nobody', async () => {
    const { launcher, fleet } = await startFleet(2);
    launcher.at(0).says({ kind: 'invalidate', id: 1, invalidation: {} });
    launcher.at(1).exit('SIGKILL', false);
    expect(launcher.at(0).told).toEqual(['invalidated']);
    fleet.scaleTo(1);
    launcher.at(0).says({ kind: 'invalidate', id: 2, invalidation: {} });
    expect(launcher.at(0).received.at(-1)).toEqual({ kind: 'invalidated', id: 2, byAll: true });
  });
});
