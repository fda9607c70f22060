import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  answering,
  asking,
  cancelling,
  completing,
  failing,
  handleOf,
  isTerminal,
  reported,
  type TaskRecord,
  type Transition,
  viewOf,
} from '../../../src/tasks/tasks.ts';

const FRESH: TaskRecord = {
  ...{ id: 'x'.repeat(32), tool: 'tool', principal: '', status: 'working', createdAt: 1_000, updatedAt: 1_000 },
  ...{ ttlMs: 60_000, pollIntervalMs: 1_000, owner: 'me', args: { a: 1 }, asked: {}, given: {}, uses: {} },
};
const REQUEST = { method: 'roots/list' } as const;
const ERROR = { code: -32603, message: 'broken' };

function moved(record: TaskRecord, ...steps: Transition[]): TaskRecord {
  return steps.reduce((at, step) => {
    const next = step(at);
    if (next === undefined) throw new Error('the step does not apply');
    return next;
  }, record);
}

describe('a task that works', () => {
  it('says how far it is, in a bounded message', () => {
    expect(viewOf(moved(FRESH, reported('half', 2_000)))).toEqual({
      ...{ taskId: FRESH.id, status: 'working', statusMessage: 'half', ttlMs: 60_000, pollIntervalMs: 1_000 },
      ...{ createdAt: '1970-01-01T00:00:01.000Z', lastUpdatedAt: '1970-01-01T00:00:02.000Z' },
    });
    expect(moved(FRESH, reported('x'.repeat(5_000), 2_000)).message).toHaveLength(1_000);
  });

  it('completes with a result, by the instance that runs it alone', () => {
    expect(completing({ content: [] }, 'other', 2_000)(FRESH)).toBeUndefined();
    const done = moved(FRESH, reported('half', 1_500), completing({ content: [] }, 'me', 2_000));
    expect(viewOf(done)).toMatchObject({ status: 'completed', result: { content: [] } });
    expect(viewOf(done).statusMessage).toBeUndefined();
  });

  it('keeps nothing of its arguments once it is over', () => {
    const done = moved(FRESH, asking({ key: REQUEST }, 'state', 2_000), cancelling(3_000));
    expect(done).toMatchObject({ args: undefined, asked: {}, given: {}, uses: {}, state: undefined, owner: '' });
  });

  it('never says that it was updated earlier than before, though clocks differ', () => {
    expect(moved(FRESH, reported('late', 5_000), reported('early', 2_000)).updatedAt).toBe(5_000);
  });
});

describe('a task that asks', () => {
  const asked = moved(FRESH, asking({ a: REQUEST, b: REQUEST }, 'state', 2_000));

  it('shows what it asks for, and nothing of its state', () => {
    expect(viewOf(asked)).toMatchObject({ status: 'input_required', inputRequests: { a: REQUEST, b: REQUEST } });
    expect(JSON.stringify(viewOf(asked))).not.toContain('state');
    expect(handleOf(asked)).not.toHaveProperty('inputRequests');
  });

  it('waits until it has all, and ignores what it did not ask for', () => {
    expect(answering({ c: 1 }, 'you', 3_000)(asked)).toBeUndefined();
    const partly = moved(asked, answering({ a: 1, c: 3 }, 'you', 3_000));
    expect(Object.keys(viewOf(partly).inputRequests ?? {})).toEqual(['b']);
    expect(answering({ a: 'again' }, 'you', 3_500)(partly)).toBeUndefined();
    const all = moved(partly, answering({ b: 2 }, 'you', 4_000));
    expect(all).toMatchObject({ status: 'working', owner: 'you', given: { a: 1, b: 2 }, state: 'state', asked: {} });
  });

  it('takes a stale answer neither for another request nor for another round', () => {
    const again = moved(asked, answering({ a: 1, b: 2 }, 'me', 3_000), asking({ a: REQUEST }, undefined, 4_000));
    expect(Object.keys(viewOf(again).inputRequests ?? {})).toEqual(['a#2']);
    expect(answering({ a: 'stale' }, 'me', 5_000)(again)).toBeUndefined();
    expect(moved(again, answering({ 'a#2': 'new' }, 'me', 5_000))).toMatchObject({ given: { a: 'new' } });
  });

  it('gives each request a key of its own, whatever the handler calls it, and answers back by the handler’s', () => {
    const name = fc.constantFrom('a', 'b', 'a#2', 'a#2#1', '#', '__proto__', 'constructor', '');
    fc.assert(
      fc.property(fc.array(fc.uniqueArray(name, { minLength: 1 }), { minLength: 1, maxLength: 6 }), (rounds) => {
        const seen = new Set<string>();
        let record = FRESH;
        for (const names of rounds) {
          const requests = Object.fromEntries(names.map((each) => [each, REQUEST]));
          record = moved(record, asking(requests, undefined, 2_000));
          record = JSON.parse(JSON.stringify(record)) as TaskRecord;
          const keys = Object.keys(viewOf(record).inputRequests ?? {});
          expect(keys).toHaveLength(names.length);
          for (const key of keys) expect(seen).not.toContain(key);
          for (const key of keys) seen.add(key);
          record = moved(record, answering(Object.fromEntries(keys.map((key) => [key, key])), 'me', 3_000));
          expect(Object.keys(record.given).sort()).toEqual([...names].sort());
        }
      }),
    );
  });
});

describe('a task that is over', () => {
  const ends = [completing({}, 'me', 2_000), failing(ERROR, 2_000), cancelling(2_000)];

  it.each(ends)('changes no more: %#', (end) => {
    const over = moved(FRESH, end);
    expect(isTerminal(over)).toBe(true);
    const later = [
      ...ends,
      reported('more', 3_000),
      asking({ a: REQUEST }, undefined, 3_000),
      answering({ a: 1 }, 'me', 3_000),
    ];
    for (const step of later) expect(step(over)).toBeUndefined();
  });

  it('says why it failed', () => {
    expect(viewOf(moved(FRESH, failing(ERROR, 2_000)))).toMatchObject({
      ...{ status: 'failed', statusMessage: 'broken', error: ERROR },
    });
  });
});
