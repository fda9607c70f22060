import { describe, expect, it } from 'vitest';
import { LiveFeed } from '../../../src/monitor/live-feed.ts';
import type { AlertRecord, HelloMessage, LiveMessage, TargetRow } from '../../../src/monitor/monitor.ts';
import { vitalsOf } from './alerts/vitals-of.ts';

const START = 1_000_000_020_000; // begins a minute
const server = { name: 'shop', version: '1', peregrine: '0' };
const feedOf = () => new LiveFeed({ server, startedAt: START });

class Page {
  readonly texts: string[] = [];
  waitingBytes = 0;
  dropped = false;

  get messages(): LiveMessage[] {
    return this.texts.map((message) => JSON.parse(message));
  }

  get hello(): HelloMessage {
    return this.messages[0] as HelloMessage;
  }

  send(message: string): void {
    this.texts.push(message);
  }

  drop(): void {
    this.dropped = true;
  }
}

function target(name: string, total: number, p99?: number): TargetRow {
  const responseTime = p99 === undefined ? null : { average: 1, p50: 1, p95: 1, p99 };
  return { method: 'tools/call', target: name, total, errors: 0, perSecond: 0, responseTime };
}

const alert = (id: number, second: number, clearedAt: number | null = null): AlertRecord => ({
  ...{ id, key: 'cpuUsage', subject: '', instance: '', value: 99, threshold: 85 },
  ...{ state: clearedAt === null ? 'firing' : 'cleared', firedAt: START + second * 1_000, clearedAt },
});

function second(feed: LiveFeed, number: number, targets: TargetRow[] = [], alerts: AlertRecord[] = []): void {
  const vitals = vitalsOf({ requests: number, p95: number }, START + number * 1_000);
  feed.tick({ vitals, instances: [], targets, alerts });
}

describe('the live feed', () => {
  it('tells a page that comes late all there is, once, and then every second', () => {
    const feed = feedOf();
    for (let at = 1; at <= 125; at++) second(feed, at, [target('a', at)], at === 3 ? [alert(1, 3)] : []);
    const page = new Page();
    feed.attach(page, 0);
    expect(page.hello).toMatchObject({ type: 'hello', protocol: 1, server, startedAt: START, alerts: [{ id: 1 }] });
    expect(page.hello.seconds.at).toHaveLength(125);
    expect(page.hello.seconds.columns['requests.perSecond']?.slice(-2)).toEqual([124, 125]);
    expect(page.hello.minutes).toMatchObject({
      at: [START + 60_000, START + 120_000],
      columns: { 'requests.perSecond': [30.5, 90.5], 'responseTime.p99': [120, 240] },
    });
    expect(page.hello.vitals?.at).toBe(START + 125_000);
    second(feed, 126, [target('a', 125)]);
    expect(page.messages[1]).toMatchObject({ type: 'tick', targets: [], removed: [], alerts: [] });
    expect(page.messages).toHaveLength(2);
  });

  it('tells a page that comes back what it missed', () => {
    const feed = feedOf();
    for (let at = 1; at <= 62; at++) second(feed, at, [], at === 2 ? [alert(1, 2)] : []);
    second(feed, 63, [], [alert(2, 63)]);
    second(feed, 64, [], [alert(1, 2, START + 64_000)]);
    const page = new Page();
    feed.attach(page, START + 61_000);
    expect(page.hello.seconds.at).toEqual([62, 63, 64].map((at) => START + at * 1_000));
    expect(page.hello.minutes.at).toEqual([]);
    expect(page.hello.alerts.map(({ id, state }) => [id, state])).toEqual([
      [2, 'firing'],
      [1, 'cleared'],
    ]);
    const earlier = new Page();
    feed.attach(earlier, START + 60_000);
    expect(earlier.hello.minutes.at).toEqual([START + 60_000]);
  });

  it('sends the rows that changed, those that are gone, and the minute that ended', () => {
    const feed = feedOf();
    second(feed, 59, [target('a', 1), target('b', 1, 5), target('c', 1)]);
    const page = new Page();
    feed.attach(page, 0);
    second(feed, 60, [target('a', 2), target('b', 1, 5)]);
    second(feed, 61, [target('a', 2), target('b', 1, 6)]);
    const [, first, next] = page.messages;
    expect(first).toMatchObject({ targets: [{ target: 'a', total: 2 }], removed: ['tools/call c'] });
    expect(first).not.toHaveProperty('minute');
    expect(next).toMatchObject({
      targets: [{ target: 'b' }],
      removed: [],
      minute: { at: [START + 60_000], columns: { 'requests.perSecond': [59.5] } },
    });
  });

  it('writes a message once for all, and none while nobody watches', () => {
    const feed = feedOf();
    let written = 0;
    const counted = (total: number): TargetRow => Object.assign(target('a', total), { toJSON: () => ++written });
    second(feed, 1, [counted(1)]);
    expect(written).toBe(0);
    const pages = [new Page(), new Page(), new Page()];
    const detach = pages.map((page) => feed.attach(page, 0));
    expect([written, feed.clients]).toEqual([3, 3]);
    second(feed, 2, [counted(2)]);
    expect(written).toBe(4);
    expect(new Set(pages.map(({ texts }) => texts[1])).size).toBe(1);
    for (const leave of detach) leave();
    second(feed, 3, [counted(3)]);
    expect([written, feed.clients]).toEqual([4, 0]);
  });

  it('drops a page that does not read, and goes on with the others', () => {
    const feed = feedOf();
    const [slow, quick] = [new Page(), new Page()];
    feed.attach(slow, 0);
    feed.attach(quick, 0);
    slow.waitingBytes = 4_194_305;
    quick.waitingBytes = 4_194_304;
    second(feed, 1);
    expect([slow.dropped, slow.texts.length, quick.dropped, quick.texts.length]).toEqual([true, 1, false, 2]);
    expect(feed.clients).toBe(1);
  });

  it('keeps 15 minutes, 24 hours and 500 alerts in less than the text that a page may have waiting', () => {
    const feed = feedOf();
    const pools = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`pool-${index}`, 1 / 3]));
    const many = vitalsOf({ requests: 12_345.678, hits: 1, misses: 2, p95: 1.234_567, pools });
    for (let at = 1; at <= 86_500; at += at < 85_000 ? 20 : 1) {
      const vitals = { ...many, at: START + at * 1_000 };
      feed.tick({ vitals, instances: [], targets: [], alerts: [alert(at, at)] });
    }
    const page = new Page();
    feed.attach(page, 0);
    expect(page.hello.seconds.at).toHaveLength(900);
    expect(page.hello.minutes.at).toHaveLength(1_440);
    expect(page.hello.alerts).toHaveLength(500);
    expect(page.hello.alerts.at(-1)?.id).toBe(86_500);
    expect(page.texts[0]?.length).toBeLessThan(4_194_304);
  });
});
