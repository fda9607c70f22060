import { describe, expect, it } from 'vitest';
import { createOptimizedServer, OptimizedMCPServer } from '../../../src/server.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { callTool } from '../support/http.ts';
import { Peer } from '../support/peer.ts';
import { IDENTITY, settle, text } from '../support/test-server.ts';

class Shop extends OptimizedMCPServer {
  release = (): void => {};
  readonly errors: unknown[] = [];

  protected override async setup(): Promise<void> {
    await this.database().execute('CREATE TABLE product (id INTEGER PRIMARY KEY, name TEXT)');
    await this.queryDatabase('INSERT INTO product VALUES (?, ?)', [1, 'lamp']);
    this.registerTool('find', {}, async () =>
      text(await this.queryDatabase('SELECT * FROM product WHERE id = ?', [1])),
    );
    this.registerTool('wrong', {}, async () => text(await this.queryDatabase('SELECT secret FROM hidden')));
    this.registerTool('hold', {}, async () => {
      await this.database().transaction(
        () =>
          new Promise<void>((resolve) => {
            this.release = resolve;
          }),
      );
      return text('released');
    });
    this.registerTool('add', {}, async () => {
      await this.queryDatabase("INSERT INTO product VALUES (2, 'desk')").catch((error) => this.errors.push(error));
      return text('added');
    });
  }

  query(sql: string) {
    return this.queryDatabase(sql);
  }
}

const shop = (clock = new FakeClock()) =>
  createOptimizedServer(Shop, { ...IDENTITY, http: false, clock, database: 'sqlite::memory:' });

describe('a server with a database', () => {
  it('answers from it, and shows its pool in the metrics', async () => {
    const server = shop();
    expect(await callTool(server, 'find')).toMatchObject({
      result: { content: [{ text: '[{"id":1,"name":"lamp"}]' }] },
    });
    const unused = { size: 0, inUse: 0, utilization: 0, waiting: 0, waitTime: 0, errors: 0, timeouts: 0 };
    const { pools } = server.getPerformanceMetrics();
    expect(pools).toMatchObject({
      http: unused,
      threads: unused,
      processes: unused,
      default: { ...unused, size: 1, max: 1 },
    });
    expect(Object.keys(pools)).toHaveLength(4);
    await server.stop();
  });

  it('tells clients of a failed query without what the database said', async () => {
    const server = shop();
    const answer = JSON.stringify(await callTool(server, 'wrong'));
    expect(answer).toContain('the statement is not valid');
    expect(answer).not.toMatch(/secret|hidden/);
    await server.stop();
  });

  it('starts while its database is down, and tells programs that they may try again', async () => {
    class Waiting extends OptimizedMCPServer {
      protected override setup(): void {
        this.registerTool('find', {}, async () => text(await this.queryDatabase('SELECT 1')));
      }
      health() {
        return this.database().health();
      }
    }
    const server = createOptimizedServer(Waiting, {
      ...IDENTITY,
      http: { port: 0 },
      handleSignals: false,
      database: 'postgres://user:hidden@127.0.0.1:1/none',
    });
    await server.start();
    const { result } = await callTool(server, 'find');
    expect(result).toMatchObject({
      isError: true,
      _meta: { 'peregrine/error': { code: 'DB_UNAVAILABLE', retryable: true } },
    });
    expect(JSON.stringify(result)).not.toContain('hidden');
    expect(await server.health()).toMatchObject({ status: 'down', code: 'DB_UNAVAILABLE' });
    await server.stop();
  });

  it('ends the query of a call that its client cancels', async () => {
    const server = shop();
    const peer = await Peer.legacy(server);
    const holding = peer.legacy('tools/call', { name: 'hold' }, 'h');
    await settle();
    void peer.legacy('tools/call', { name: 'add' }, 'a');
    await settle();
    expect(server.getPerformanceMetrics().pools.default).toMatchObject({ utilization: 1, waiting: 1 });
    peer.notify('notifications/cancelled', { requestId: 'a' });
    await settle();
    expect(server.errors).toMatchObject([{ code: 'DB_CANCELLED' }]);
    server.release();
    await holding;
    expect(await server.query('SELECT count(*) AS n FROM product')).toEqual([{ n: 1 }]);
    await server.stop();
  });

  it('closes it when it stops', async () => {
    const server = shop();
    await server.ready();
    await server.stop();
    await expect(server.query('SELECT 1')).rejects.toMatchObject({ code: 'POOL_CLOSED' });
  });
});

it('checks the address when it is made, and shows no password', () => {
  const make = () => createOptimizedServer(Shop, { ...IDENTITY, database: 'postgrs://me:hunter2@db/shop' });
  expect(make).toThrow(expect.objectContaining({ code: 'OPTION_INVALID', option: 'database' }));
  expect(make).not.toThrow('hunter2');
});

it('says that no database is configured', async () => {
  const server = createOptimizedServer(Shop, { ...IDENTITY, http: false });
  await expect(server.query('SELECT 1')).rejects.toMatchObject({ code: 'DATABASE_UNKNOWN' });
});
