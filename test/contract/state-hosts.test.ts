import { expect, inject, it } from 'vitest';
import { callTool } from '../cluster/calls.ts';
import { uniqueName } from '../services/unique-name.ts';
import { listen, startAlone, startSupervised } from './state-servers.ts';

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
