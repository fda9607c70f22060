import { describe, expect, it } from 'vitest';
import { measureAll, suite } from '../../bench/suites/sessions.ts';

describe('the bench of sessions', () => {
  it('has all its rows when it measures a little, with sessions that cost something', {
    timeout: 180_000,
  }, async () => {
    const { tables, goals } = await measureAll({
      sessions: 200,
      streams: 10,
      warmUp: 10,
      churn: [{ contender: 'peregrine', count: 100, warmUp: 10, settlingMs: 1 }],
    });
    const [costs, churn] = tables;
    expect(costs?.rows.map(([what, server, open]) => [what, server, open])).toEqual([
      ['session', 'peregrine', 200],
      ['session', 'sdk-v1', 200],
      ['listen stream', 'peregrine', 10],
      ['listen stream', 'sdk-v2', 10],
      ['GET stream', 'peregrine', 10],
      ['GET stream', 'sdk-v1', 10],
    ]);
    expect(Number(costs?.rows[1]?.[3])).toBeGreaterThan(0);
    expect(churn?.rows).toEqual([
      ['peregrine', 100, expect.any(Number), ...Array(3).fill(expect.any(String)), expect.any(Number)],
    ]);
    expect(goals).toMatchObject([{ value: expect.any(Number), atMost: 2 }]);
    expect(suite).toMatchObject({ name: 'sessions', rows: [] });
  });
});
