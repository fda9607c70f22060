import { describe, expect, it } from 'vitest';
import type { PoolEvent } from '../../../src/signal/signal.ts';
import { createFakePool, FakeConnection, settle } from './fake-connection.ts';

describe('handing out', () => {
  it('opens connections up to the bound, and serves callers in the order of their calls', async () => {
    const { pool, made } = createFakePool({ maxConnections: 2 });
    const [first, second] = await Promise.all([pool.acquire(), pool.acquire()]);
    const order: string[] = [];
    const third = pool.acquire().then((pooled) => {
      order.push('third');
      return pooled;
    });
    const fourth = pool.acquire().then((pooled) => {
      order.push('fourth');
      return pooled;
    });
    await settle();
    expect(made).toHaveLength(2);
    expect(pool.statistics()).toMatchObject({ size: 2, inUse: 2, idle: 0, waiting: 2, utilization: 1 });
    pool.release(second!);
    pool.release(first!);
    expect((await third).connection).toBe(second!.connection);
    expect((await fourth).connection).toBe(first!.connection);
    expect(order).toEqual(['third', 'fourth']);
  });

  it('lets a newcomer not overtake those who wait', async () => {
    const { pool } = createFakePool({ maxConnections: 1 });
    const held = await pool.acquire();
    const order: number[] = [];
    const waiting = pool.acquire().then((pooled) => {
      order.push(1);
      pool.release(pooled);
    });
    pool.release(held);
    const late = pool.acquire().then((pooled) => {
      order.push(2);
      pool.release(pooled);
    });
    await Promise.all([waiting, late]);
    expect(order).toEqual([1, 2]);
  });

  it('prefers the connection that was idle for the shortest time', async () => {
    const { pool } = createFakePool();
    const [a, b] = await Promise.all([pool.acquire(), pool.acquire()]);
    pool.release(b!);
    pool.release(a!);
    expect((await pool.acquire()).connection).toBe(a!.connection);
  });

  it('does nothing on a second release', async () => {
    const { pool } = createFakePool();
    const held = await pool.acquire();
    pool.release(held);
    pool.release(held);
    expect(pool.statistics()).toMatchObject({ size: 1, idle: 1, inUse: 0 });
  });
});

describe('waiting', () => {
  it('ends with POOL_TIMEOUT, retryable, after the bounded wait', async () => {
    const { pool, clock } = createFakePool({ maxConnections: 1, acquireTimeoutMs: 1_000 });
    await pool.acquire();
    const waiting = pool.acquire();
    const failed = expect(waiting).rejects.toMatchObject({ code: 'POOL_TIMEOUT', retryable: true, waitedMs: 1_000 });
    await settle();
    clock.advance(999);
    expect(pool.statistics().waiting).toBe(1);
    clock.advance(1);
    await failed;
    expect(pool.statistics()).toMatchObject({ waiting: 0, timeouts: 1 });
  });

  it('is refused with POOL_QUEUE_FULL when enough wait already', async () => {
    const { pool } = createFakePool({ maxConnections: 1, maxWaiting: 1 });
    await pool.acquire();
    void pool.acquire().catch(() => {});
    await settle();
    await expect(pool.acquire()).rejects.toMatchObject({ code: 'POOL_QUEUE_FULL', retryable: true, queued: 1 });
  });

  it('ends when its signal is aborted, and the place goes to the next', async () => {
    const { pool, clock } = createFakePool({ maxConnections: 1 });
    const held = await pool.acquire();
    const controller = new AbortController();
    const aborted = pool.acquire(controller.signal);
    const failed = expect(aborted).rejects.toMatchObject({ code: 'DB_CANCELLED' });
    const next = pool.acquire();
    await settle();
    controller.abort(new Error('gone'));
    await failed;
    pool.release(held);
    const served = await next;
    expect(served.connection).toBe(held.connection);
    pool.release(served);
    await pool.close(100);
    expect(clock.timers).toBe(0);
  });

  it('is as long for everyone, whoever else leaves the line', async () => {
    const { pool, clock } = createFakePool({ maxConnections: 1, acquireTimeoutMs: 1_000 });
    await pool.acquire();
    const ended: number[] = [];
    const waiters = [0, 300, 300].map((pauseMs) => {
      clock.advance(pauseMs);
      return pool.acquire().catch(() => ended.push(clock.now()));
    });
    await settle();
    for (let waited = 0; waited < 2_000; waited += 50) {
      clock.advance(50);
      await settle();
    }
    await Promise.all(waiters);
    expect(ended).toEqual([1_000, 1_300, 1_600]);
  });

  it('does not begin with a signal that is aborted already', async () => {
    const { pool, made } = createFakePool();
    await expect(pool.acquire(AbortSignal.abort())).rejects.toMatchObject({ code: 'DB_CANCELLED' });
    expect(made).toHaveLength(0);
  });

  it('counts how long it took', async () => {
    const { pool, clock } = createFakePool({ maxConnections: 1 });
    const held = await pool.acquire();
    const waiting = pool.acquire();
    await settle();
    clock.advance(400);
    pool.release(held);
    await waiting;
    const { waitTime, acquired } = pool.statistics();
    expect(acquired).toBe(2);
    expect(waitTime.p99).toBeCloseTo(400, -2);
    expect(waitTime.average).toBeCloseTo(200, -1);
    clock.advance(180_000);
    expect(pool.statistics().waitTime.p99).toBe(0);
  });
});

describe('lifetimes', () => {
  it('closes a connection that was idle for long', async () => {
    const { pool, clock, made } = createFakePool({ idleTimeoutMs: 10_000 });
    pool.release(await pool.acquire());
    clock.advance(9_000);
    expect(made[0]!.end).toBeUndefined();
    clock.advance(2_000);
    expect(made[0]!.end).toBe('closed');
    expect(pool.statistics().size).toBe(0);
    expect(clock.timers).toBe(0);
  });

  it('closes a connection that is too old when it comes back, and not while it is in use', async () => {
    const { pool, clock, made } = createFakePool({ maxLifetimeMs: 100_000 });
    const held = await pool.acquire();
    clock.advance(200_000);
    expect(made[0]!.end).toBeUndefined();
    pool.release(held);
    expect(made[0]!.end).toBe('closed');
  });

  it('ends connections made together at different times', async () => {
    const shares = [0, 0, 0.9, 0.9];
    const { pool, clock, made } = createFakePool({ idleTimeoutMs: 20_000 }, () => shares.shift() ?? 0);
    const held = await Promise.all([pool.acquire(), pool.acquire()]);
    for (const pooled of held) pool.release(pooled);
    clock.advance(19_500);
    expect(made.map(({ end }) => end)).toEqual([undefined, 'closed']);
  });

  it('asks a connection that was idle for long whether it works, and takes another when not', async () => {
    const fake = createFakePool({ maxConnections: 1, validateAfterIdleMs: 5_000, idleTimeoutMs: 60_000 });
    const { pool, clock, made } = fake;
    pool.release(await pool.acquire());
    const asked: number[] = [];
    fake.validate = async ({ id }) => {
      asked.push(id);
      if (id === 0) throw new Error('dead');
    };
    clock.advance(4_999);
    pool.release(await pool.acquire());
    expect(asked).toEqual([]);
    clock.advance(5_000);
    const pooled = await pool.acquire();
    expect(asked).toEqual([0]);
    expect(pooled.connection.id).toBe(1);
    expect(made[0]!.end).toBe('destroyed');
    expect(pool.statistics().errors).toBe(1);
  });

  it('does not wait for ever for the answer', async () => {
    const fake = createFakePool({ maxConnections: 1, connectTimeoutMs: 500, idleTimeoutMs: 60_000 });
    fake.pool.release(await fake.pool.acquire());
    fake.validate = () => new Promise(() => {});
    fake.clock.advance(6_000);
    const waiting = fake.pool.acquire();
    await settle();
    fake.clock.advance(500);
    expect((await waiting).connection.id).toBe(1);
    expect(fake.made[0]!.end).toBe('destroyed');
  });
});

describe('broken connections', () => {
  it('forgets an idle one at once', async () => {
    const { pool, made } = createFakePool();
    pool.release(await pool.acquire());
    made[0]!.lose();
    expect(pool.statistics()).toMatchObject({ size: 0, errors: 1 });
    expect((await pool.acquire()).connection.id).toBe(1);
  });

  it('replaces one that comes back lost or not clean, for those who wait', async () => {
    const { pool, made } = createFakePool({ maxConnections: 1 });
    const held = await pool.acquire();
    const waiting = pool.acquire();
    await settle();
    made[0]!.lose();
    expect(pool.statistics().size).toBe(1);
    pool.release(held);
    const second = await waiting;
    expect(second.connection.id).toBe(1);
    pool.release(second, false);
    expect(made.map(({ end }) => end)).toEqual(['destroyed', 'destroyed']);
  });
});

describe('a server that is down', () => {
  it('fails callers with the error of connecting, then at once until the next attempt is due, and recovers', async () => {
    const fake = createFakePool();
    const connect = fake.connect;
    const refused = new Error('refused');
    let attempts = 0;
    fake.connect = async () => {
      attempts++;
      throw refused;
    };
    await expect(fake.pool.acquire()).rejects.toBe(refused);
    await expect(fake.pool.acquire()).rejects.toBe(refused);
    expect(attempts).toBe(1);
    for (let failures = 0; failures < 10; failures++) {
      fake.clock.advance(2_000); // the longest pause
      await expect(fake.pool.acquire()).rejects.toBe(refused);
    }
    expect(attempts).toBe(11);
    fake.connect = connect;
    fake.clock.advance(2_000);
    expect((await fake.pool.acquire()).connection.id).toBe(0);
  });

  it('fails within the connect time-out when there is no answer, and cuts what connects too late', async () => {
    const fake = createFakePool({ connectTimeoutMs: 500 });
    const late = new FakeConnection(9);
    let answer = (_: FakeConnection): void => {};
    fake.connect = (signal) => {
      signal.addEventListener('abort', () => (late.end ??= undefined));
      return new Promise((resolve) => {
        answer = resolve;
      });
    };
    const failed = expect(fake.pool.acquire()).rejects.toMatchObject({ code: 'DB_UNAVAILABLE', retryable: true });
    await settle();
    fake.clock.advance(500);
    await failed;
    answer(late);
    await settle();
    expect(late.end).toBe('destroyed');
    expect(fake.pool.statistics().size).toBe(0);
  });

  it('lets callers wait for the connections there are when no more can be made', async () => {
    const fake = createFakePool({ maxConnections: 2 });
    const held = await fake.pool.acquire();
    fake.connect = async () => {
      throw new Error('too many connections');
    };
    const waiting = fake.pool.acquire();
    await settle();
    fake.pool.release(held);
    expect((await waiting).connection.id).toBe(0);
  });

  it('tries again for those who wait when the pause is over', async () => {
    const fake = createFakePool({ maxConnections: 2 });
    const connect = fake.connect;
    await fake.pool.acquire();
    fake.connect = async () => {
      throw new Error('too many connections');
    };
    const waiting = fake.pool.acquire();
    await settle();
    fake.connect = connect;
    fake.clock.advance(50);
    expect((await waiting).connection.id).toBe(1);
  });
});

describe('closing', () => {
  it('takes nothing new, serves those who wait, and ends when all have come back', async () => {
    const { pool, made } = createFakePool({ maxConnections: 1 });
    const held = await pool.acquire();
    const waiting = pool.acquire();
    await settle();
    let isClosed = false;
    const closing = pool.close(5_000).then(() => {
      isClosed = true;
    });
    await expect(pool.acquire()).rejects.toMatchObject({ code: 'POOL_CLOSED' });
    pool.release(held);
    const last = await waiting;
    await settle();
    expect(isClosed).toBe(false);
    pool.release(last);
    await closing;
    expect(made[0]!.end).toBe('closed');
    expect(pool.statistics().size).toBe(0);
  });

  it('cuts what has not come back in time', async () => {
    const { pool, made, clock } = createFakePool({ maxConnections: 1, acquireTimeoutMs: 60_000 });
    await pool.acquire();
    const failed = expect(pool.acquire()).rejects.toMatchObject({ code: 'POOL_CLOSED' });
    await settle();
    const closing = pool.close(5_000);
    clock.advance(5_000);
    await closing;
    await failed;
    expect(made[0]!.end).toBe('destroyed');
    expect(clock.timers).toBe(0);
  });

  it('closes idle connections at once', async () => {
    const { pool, made } = createFakePool();
    pool.release(await pool.acquire());
    await pool.close(5_000);
    expect(made[0]!.end).toBe('closed');
  });
});

it('tells what happens, to those who listen', async () => {
  const { pool, signal, clock, made } = createFakePool({ maxConnections: 1 });
  const heard: PoolEvent[] = [];
  signal.on((event) => heard.push(event));
  const held = await pool.acquire();
  const failed = expect(pool.acquire()).rejects.toMatchObject({ code: 'POOL_TIMEOUT' });
  await settle();
  clock.advance(1_000);
  await failed;
  made[0]!.lose();
  pool.release(held);
  expect(heard.map(({ kind, pool: name, size }) => [kind, name, size])).toEqual([
    ['opened', 'shop', 1],
    ['timeout', 'shop', 1],
    ['error', 'shop', 1],
    ['closed', 'shop', 0],
  ]);
});
