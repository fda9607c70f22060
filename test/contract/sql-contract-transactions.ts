import { describe, expect, it } from 'vitest';
import type { SqlTransaction } from '../../src/pool/pool.ts';
import type { Shop, SqlSubject } from './sql-subject.ts';

/** What every database must do alike in transactions. */
export function describeTransactions(subject: SqlSubject, shop: Shop): void {
  const { table, names, insert } = shop;
  describe('transactions', () => {
    it('commit what they did', async () => {
      const result = await shop.pool.transaction(async (transaction) => {
        await insert(transaction, 3, 'three');
        return names(transaction);
      });
      expect(result).toEqual(['one', 'two', 'three']);
      expect(await names()).toEqual(['one', 'two', 'three']);
    });

    it('roll back when the work throws, and the connection is clean', async () => {
      const failure = new Error('changed my mind');
      for (let round = 0; round < 5; round++) {
        const work = shop.pool.transaction(async (transaction) => {
          await insert(transaction, 3, 'three');
          throw failure;
        });
        await expect(work).rejects.toBe(failure);
      }
      await insert(shop.pool, 4, 'four');
      expect(await names()).toEqual(['one', 'two', 'four']);
      expect(shop.pool.statistics()).toMatchObject({ inUse: 0, waiting: 0 });
    });

    it('are not seen by others before they are committed', async () => {
      await shop.pool.transaction(async (transaction) => {
        await insert(transaction, 3, 'three');
        if (!subject.options().url.includes(':memory:')) expect(await names()).toEqual(['one', 'two']);
      });
      expect(await names()).toEqual(['one', 'two', 'three']);
    });

    it('run what is called together one after the other', async () => {
      const inserted = [3, 4, 5, 6];
      await shop.pool.transaction(async (transaction) => {
        await Promise.all(inserted.map((id) => insert(transaction, id, `n${id}`)));
      });
      expect(await names()).toHaveLength(6);
    });

    it('commit what was not waited for', async () => {
      await shop.pool.transaction(async (transaction) => {
        void insert(transaction, 3, 'three');
      });
      expect(await names()).toEqual(['one', 'two', 'three']);
    });

    it('undo only the nested part that throws', async () => {
      await shop.pool.transaction(async (transaction) => {
        await insert(transaction, 3, 'three');
        const nested = transaction.transaction(async (inner) => {
          await insert(inner, 4, 'four');
          await inner.transaction((innermost) => insert(innermost, 5, 'five'));
          await insert(inner, 6, 'one');
        });
        await expect(nested).rejects.toMatchObject({ code: 'DB_CONSTRAINT' });
        await transaction.transaction((inner) => insert(inner, 7, 'seven'));
      });
      expect(await names()).toEqual(['one', 'two', 'three', 'seven']);
    });

    it('cannot be used after their end, nor while a nested one is open', async () => {
      let kept: SqlTransaction | undefined;
      await shop.pool.transaction(async (transaction) => {
        kept = transaction;
        await transaction.transaction(async () => {
          await expect(names(transaction)).rejects.toMatchObject({ code: 'TRANSACTION_NESTED' });
        });
      });
      await expect(names(kept)).rejects.toMatchObject({ code: 'TRANSACTION_ENDED' });
      await expect(kept!.transaction(async () => {})).rejects.toMatchObject({ code: 'TRANSACTION_ENDED' });
    });

    it('do not report as committed what a failed statement spoilt, unless the database goes on', async () => {
      const work = shop.pool.transaction(async (transaction) => {
        await insert(transaction, 3, 'three');
        await insert(transaction, 4, 'one').catch(() => {});
      });
      if (shop.pool.kind === 'postgres') {
        await expect(work).rejects.toMatchObject({ code: 'DB_TRANSACTION_ABORTED' });
        expect(await names()).toEqual(['one', 'two']);
      } else {
        await work;
        expect(await names()).toEqual(['one', 'two', 'three']);
      }
      await insert(shop.pool, 9, 'nine');
    });

    it('roll back when they are aborted', async () => {
      const controller = new AbortController();
      const work = shop.pool.transaction(
        async (transaction) => {
          await insert(transaction, 3, 'three');
          controller.abort(new Error('left'));
          await insert(transaction, 4, 'four');
        },
        { signal: controller.signal },
      );
      await expect(work).rejects.toMatchObject({ code: 'DB_CANCELLED' });
      expect(await names()).toEqual(['one', 'two']);
    });

    it('keep their order when many write at once', async () => {
      const add = () =>
        shop.pool.transaction(async (transaction) => {
          await transaction.execute(`UPDATE ${table} SET price = price + 1 WHERE id = ?`, [1]);
        });
      await Promise.all(Array.from({ length: 20 }, add));
      expect(await shop.pool.query(`SELECT price FROM ${table} WHERE id = 1`)).toEqual([{ price: 120 }]);
    });
  });
}

/** What every database must do alike with rows one after the other. */
export function describeStreams(subject: SqlSubject, shop: Shop): void {
  const { table, names, insert } = shop;
  describe('streams', () => {
    it('give every row once, in order', async () => {
      let expected = 0;
      for await (const { n } of shop.pool.stream<{ n: number }>(subject.series(2_000))) expect(n).toBe(++expected);
      expect(expected).toBe(2_000);
    });

    it('can be left early, again and again', async () => {
      for (let round = 0; round < 6; round++) {
        for await (const { n } of shop.pool.stream<{ n: number }>(subject.series(100_000))) if (n === 3) break;
      }
      expect(shop.pool.statistics()).toMatchObject({ inUse: 0, waiting: 0 });
      expect(await names()).toEqual(['one', 'two']);
    });

    it('fail like a query', async () => {
      const read = async () => {
        for await (const row of shop.pool.stream('SELECT * FROM no_such_table_at_all')) expect(row).toBeUndefined();
      };
      await expect(read()).rejects.toMatchObject({ code: 'DB_SYNTAX' });
      expect(shop.pool.statistics().inUse).toBe(0);
    });

    it('take parameters, and see what their transaction wrote', async () => {
      await shop.pool.transaction(async (transaction) => {
        await insert(transaction, 3, 'three');
        const seen: unknown[] = [];
        for await (const row of transaction.stream(`SELECT id FROM ${table} WHERE id > ? ORDER BY id`, [1])) {
          seen.push(row);
          await expect(names(transaction)).rejects.toMatchObject({ code: 'TRANSACTION_STREAMING' });
        }
        expect(seen).toEqual([{ id: 2 }, { id: 3 }]);
        for await (const _ of transaction.stream(subject.series(10_000))) break;
        await insert(transaction, 4, 'four');
      });
      expect(await names()).toHaveLength(4);
    });

    it('end when they are aborted', async () => {
      const controller = new AbortController();
      const read = async () => {
        for await (const { n } of shop.pool.stream<{ n: number }>(subject.series(100_000), [], {
          signal: controller.signal,
        }))
          if (n === 5) controller.abort(new Error('enough'));
      };
      await expect(read()).rejects.toMatchObject({ code: 'DB_CANCELLED' });
      expect(await names()).toEqual(['one', 'two']);
    });
  });
}
