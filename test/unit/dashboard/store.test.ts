import { describe, expect, it } from 'vitest';
import { LiveStore } from '../../../dashboard/src/live/store.ts';
import type { AlertRecord, HelloMessage, TargetRow, TickMessage } from '../../../src/monitor/monitor.ts';
import { vitalsOf } from '../monitor/alerts/vitals-of.ts';

const NOTHING = { at: [], columns: {} };
const server = { name: 's', version: '1', peregrine: '0' };

const hello = (given: Partial<HelloMessage> = {}): HelloMessage => ({
  ...{ type: 'hello', protocol: 1, server, startedAt: 1, seconds: NOTHING, minutes: NOTHING, vitals: null },
  ...{ instances: [], targets: [], alerts: [] },
  ...given,
});
const tick = (at: number, given: Partial<TickMessage> = {}): TickMessage => ({
  ...{
    type: 'tick',
    vitals: vitalsOf({ requests: at / 1_000 }, at),
    instances: [],
    targets: [],
    removed: [],
    alerts: [],
  },
  ...given,
});
const row = (target: string, total = 1): TargetRow => ({
  ...{ method: 'tools/call', target, total, errors: 0, perSecond: 0, responseTime: null },
});
const alert = (id: number, firedAt: number, clearedAt: number | null = null): AlertRecord => ({
  ...{ id, key: 'cpuUsage', subject: '', instance: '', value: 90, threshold: 85, firedAt, clearedAt },
  state: clearedAt === null ? 'firing' : 'cleared',
});

describe('what the page knows', () => {
  it('begins with nothing, and asks for all', () => {
    const store = new LiveStore();
    expect(store.lastAt).toBe(0);
    store.take(hello());
    expect([store.lastAt, store.vitals, store.server]).toEqual([0, undefined, server]);
  });

  it('goes on from what it was told to what comes, and over a gap', () => {
    const store = new LiveStore();
    store.take(hello({ seconds: { at: [1_000, 2_000], columns: { 'requests.perSecond': [1, 2] } } }));
    store.take(tick(3_000, { minute: { at: [2_500], columns: { 'requests.perSecond': [9] } } }));
    store.take(hello({ startedAt: 8_000, seconds: { at: [9_000], columns: { 'requests.perSecond': [9] } } }));
    expect(store.seconds.values('requests.perSecond')).toEqual([1, 2, 3, Number.NaN, 9]);
    expect(store.minutes.since(0)).toEqual({ at: [2_500], columns: { 'requests.perSecond': [9] } });
    expect([store.lastAt, store.startedAt]).toEqual([9_000, 8_000]);
  });

  it('changes the rows that changed, and no others', () => {
    const store = new LiveStore();
    store.take(hello({ targets: [row('a'), row('b'), row('c')] }));
    const before = store.targets;
    store.take(tick(1_000));
    expect(store.targets).toBe(before);
    store.take(tick(2_000, { targets: [row('b', 2), row('d')], removed: ['tools/call c'] }));
    expect([...store.targets.values()].map(({ target, total }) => `${target}${total}`)).toEqual(['a1', 'b2', 'd1']);
    expect(store.targets.get('tools/call a')).toBe(before.get('tools/call a'));
  });

  it('has the latest alerts first, each once, and forgets what an earlier server left firing', () => {
    const store = new LiveStore();
    store.take(hello({ alerts: [alert(1, 100), alert(2, 200)] }));
    store.take(tick(1_000, { alerts: [alert(1, 100, 900), alert(3, 950)] }));
    expect(store.alerts.map(({ id, state }) => `${id} ${state}`)).toEqual(['3 firing', '2 firing', '1 cleared']);
    store.take(hello({ startedAt: 2_000, alerts: [alert(1, 2_500)] }));
    expect(store.alerts.map(({ id, firedAt }) => [id, firedAt])).toEqual([
      [1, 2_500],
      [1, 100],
    ]);
    store.take(tick(3_000, { alerts: Array.from({ length: 600 }, (_, index) => alert(index + 5, 3_000 + index)) }));
    expect([store.alerts.length, store.alerts[0]?.id]).toEqual([500, 604]);
  });
});
