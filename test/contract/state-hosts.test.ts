import { expect, inject, it, onTestFinished } from 'vitest';
import { callTool } from '../cluster/calls.ts';
import { startRedis } from '../services/redis.ts';
import { uniqueName } from '../services/unique-name.ts';
import { beginSession, listen, startAlone, startSupervised, statusOf } from './state-servers.ts';

const TOOLS = 'notifications/tools/list_changed';
const MARK = 'notifications/resources/updated';

it('tells of a change once who listens on any host, supervised or not', async () => {
  const { redisUrl } = inject('services');
  const prefix = uniqueName('hosts');
  const [one, other, supervised, stranger] = await Promise.all([
    startAlone(redisUrl, prefix),
    startAlone(redisUrl, prefix),
    startSupervised(redisUrl, prefix),
    startAlone(redisUrl, uniqueName('hosts')),
  ]);
  const places = [one, other, ...Array.from({ length: 6 }, () => supervised.at)];
  const inboxes = await Promise.all(places.map(listen));
  const apart = await listen(stranger);
  let changes = 0;
  let marks = 0;
  for (const place of [one, supervised.at, other, supervised.at, supervised.at]) {
    await callTool(place, 'touch');
    changes++;
    // Whatever was to come twice is there by the time a later change has come by every way.
    for (const from of [one, supervised.at, other]) {
      await callTool(from, 'update');
      marks++;
      await expect
        .poll(() => inboxes.map((inbox) => inbox.of(MARK).length), { timeout: 30_000 })
        .toEqual(inboxes.map(() => marks));
    }
    expect(inboxes.map((inbox) => inbox.of(TOOLS).length)).toEqual(inboxes.map(() => changes));
  }
  await callTool(stranger, 'update');
  await apart.next(MARK);
  expect(apart.received).toHaveLength(1);
});

it('has one log for all hosts', async () => {
  const { redisUrl } = inject('services');
  const prefix = uniqueName('hosts');
  const [one, other] = await Promise.all([startAlone(redisUrl, prefix), startAlone(redisUrl, prefix)]);
  for (let number = 1; number <= 6; number++)
    expect(JSON.parse(await callTool(number % 2 ? one : other, 'append'))).toEqual([number, 'redis']);
});

it('serves without its Redis, and shows no password', async () => {
  const url = await startAlone('redis://someone:hunter2@127.0.0.1:1');
  expect(await callTool(url, 'who')).toMatch(/^\d+$/);
  expect(await callTool(url, 'append')).toMatch(/Redis is not connected/);
  expect(await callTool(url, 'append')).not.toContain('hunter2');
});

it('serves a session on any host, until it is ended on one; a Redis that is down is no session that is lost', async () => {
  const redis = await startRedis({ save: true, settings: { appendfsync: 'always' } });
  onTestFinished(() => redis.stop());
  const [one, other] = await Promise.all([startAlone(redis.url), startAlone(redis.url)]);
  const [kept, ended] = [await beginSession(one), await beginSession(one)];
  expect(kept).not.toBe('');
  expect(await statusOf(other, kept)).toBe(200);
  expect(await statusOf(other, ended)).toBe(200);
  expect(await statusOf(other, 'x'.repeat(kept.length))).toBe(404);
  const { status } = await fetch(other, { method: 'DELETE', headers: { 'Mcp-Session-Id': ended } });
  expect(status).toBeLessThan(300);
  await expect.poll(() => statusOf(one, ended), { timeout: 30_000 }).toBe(404);
  await redis.kill('SIGKILL');
  const third = await startAlone(redis.url); // It has seen no session yet.
  expect(await statusOf(third, kept)).toBe(503);
  await redis.restart();
  for (const host of [third, one, other]) await expect.poll(() => statusOf(host, kept), { timeout: 30_000 }).toBe(200);
});
