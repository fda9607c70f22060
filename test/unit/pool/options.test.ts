import { describe, expect, it } from 'vitest';
import { ConnectionPoolManager, resolveDatabases } from '../../../src/pool/pool.ts';
import { MACHINE } from './fake-driver.ts';

const resolve = (database: unknown) => resolveDatabases({ database } as never, MACHINE).get('default')!;
const refusal = (config: object): string => {
  try {
    resolveDatabases(config as never, MACHINE);
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
};

describe('the options of a database', () => {
  it('have defaults, the size by the machine', () => {
    expect(resolve('postgres://me:secret@db.example/shop')).toEqual({
      kind: 'postgres',
      url: 'postgres://me:secret@db.example/shop',
      maxConnections: 8,
      maxWaiting: 1_000,
      acquireTimeoutMs: 10_000,
      connectTimeoutMs: 5_000,
      idleTimeoutMs: 60_000,
      maxLifetimeMs: 1_800_000,
      validateAfterIdleMs: 5_000,
      statementTimeoutMs: 30_000,
      preparedStatements: 256,
      busyTimeoutMs: 5_000,
      readOnly: false,
    });
    const connections = (cores: number) =>
      resolveDatabases({ database: 'sqlite:./shop.db' }, { ...MACHINE, cores }).get('default')?.maxConnections;
    expect([0.5, 1, 2, 16].map(connections)).toEqual([2, 2, 4, 32]);
  });

  it.each([
    ['sqlite:./shop.db', 'sqlite', './shop.db'],
    ['sqlite::memory:', 'sqlite', ':memory:'],
    ['postgresql://localhost/shop', 'postgres', 'postgresql://localhost/shop'],
    ['postgres:///shop?host=/run/db', 'postgres', 'postgres:///shop?host=/run/db'],
    ['mysql://localhost/shop', 'mysql', 'mysql://localhost/shop'],
    ['mariadb://localhost/shop', 'mysql', 'mariadb://localhost/shop'],
  ])('take %s', (url, kind, kept) => {
    expect(resolve(url)).toMatchObject({ kind, url: kept });
    expect(resolve({ url, maxConnections: 7 })).toMatchObject({ kind, url: kept, maxConnections: 7 });
  });

  it.each([
    [{ database: 'oracle://me:hunter2@db/shop' }, 'option "database" must be sqlite:FILE'],
    [{ database: 'postgres//me:hunter2@db/shop' }, 'option "database" must be sqlite:FILE'],
    [{ database: { url: 'postgres://me:hunter2@[/shop?password=hunter2' } }, 'option "database.url" must be'],
    [{ database: 'sqlite:' }, 'option "database" must be'],
    [{ database: 5 }, 'option "database" must be'],
    [{ database: { url: 'sqlite:a', maxConnection: 1 } }, 'did you mean "maxConnections"?'],
    [
      { database: { url: 'sqlite:a', maxConnections: 0 } },
      'option "database.maxConnections" must be an integer from 1 to 10000, got 0',
    ],
    [{ database: { url: 'sqlite:a', readOnly: 'yes' } }, 'option "database.readOnly" must be true or false'],
    [{ databases: { b: { url: 'sqlite:a', acquireTimeoutMs: -1 } } }, 'option "databases.b.acquireTimeoutMs"'],
    [{ databases: { 'no name': 'sqlite:a' } }, 'option "databases" must have names of letters'],
    [{ databases: [] }, 'option "databases" must be an object'],
    [{ database: 'sqlite:a', databases: { default: 'sqlite:b' } }, 'option "databases.default" cannot be given beside'],
  ])('refuse %j without showing a password', (config, expected) => {
    expect(refusal(config)).toContain(expected);
    expect(refusal(config)).not.toContain('hunter2');
  });
});

describe('a manager', () => {
  it('finds databases by name, the only one without', () => {
    const one = new ConnectionPoolManager({ databases: { shop: 'sqlite::memory:' } });
    expect(one.database().name).toBe('shop');
    const several = new ConnectionPoolManager({ database: 'sqlite::memory:', databases: { log: 'sqlite::memory:' } });
    expect(several.names).toEqual(['default', 'log']);
    expect(several.database().name).toBe('default');
    expect(several.database('log').name).toBe('log');
    expect(() => several.database('lok')).toThrow(
      expect.objectContaining({ code: 'DATABASE_UNKNOWN', message: expect.stringContaining('did you mean "log"?') }),
    );
    expect(() => new ConnectionPoolManager({}).database()).toThrow(
      expect.objectContaining({ code: 'DATABASE_UNKNOWN' }),
    );
  });

  it('opens nothing by itself', async () => {
    const manager = new ConnectionPoolManager({
      database: 'postgres://127.0.0.1:1/shop',
      databases: { file: 'sqlite:/nowhere/at/all/shop.db' },
    });
    expect(manager.statistics()).toMatchObject({ default: { size: 0 }, file: { size: 0 } });
    expect(await manager.health()).toMatchObject({
      default: { status: 'down', code: 'DB_UNAVAILABLE' },
      file: { status: 'down', code: 'DB_UNAVAILABLE' },
    });
    await manager.close();
    await manager.close();
  });
});
