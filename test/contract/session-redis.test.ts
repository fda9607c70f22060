import { expect, inject, it } from 'vitest';
import { at, openAt, startAlone } from '../cluster/session-servers.ts';
import { uniqueName } from '../services/unique-name.ts';
import { post } from '../unit/support/http.ts';
import { legacyRequest, type Rpc, textOf } from '../unit/support/messages.ts';
import { EventReader } from '../unit/support/session-client.ts';

it('a session goes on at another host: its streams live, and what its client answers', async () => {
  const prefix = uniqueName('sessions');
  const [one, other] = await Promise.all([1, 2].map(() => startAlone(inject('services').redisUrl, prefix)));
  const client = await openAt(one as string);
  const stream = await client.stream('walk');
  const pid = (await stream.message())?.params?.['data'];
  expect((await stream.message())?.params?.['data']).toBe(0);
  await stream.leave();
  const elsewhere = at(other as string);
  const headers = { ...client.fields, Accept: 'text/event-stream', 'Last-Event-ID': stream.lastId as string };
  const again = new EventReader(await elsewhere.fetch(new Request('http://x/mcp', { headers })));
  const rest = await again.rest();
  expect(rest.map(({ params }) => params?.['data'])).toEqual([
    ...Array.from({ length: 19 }, (_, n) => n + 1),
    undefined,
  ]);
  expect(textOf(rest.at(-1) as Rpc)).toBe('arrived');
  const there = await (await post(elsewhere, legacyRequest('tools/call', { name: 'who' }), client.fields)).json();
  expect(textOf(there as Rpc)).not.toBe(String(pid));

  const asking = await client.stream('ask');
  const asked = (await asking.message()) as Rpc;
  const answer = { jsonrpc: '2.0', id: asked.id, result: { roots: [] } };
  expect((await post(elsewhere, answer, client.fields)).status).toBe(202);
  expect(textOf((await asking.message()) as Rpc)).toBe('{"roots":[]}');

  const ended = await elsewhere.fetch(new Request('http://x/mcp', { method: 'DELETE', headers: client.fields }));
  expect(ended.status).toBe(200);
  await expect.poll(async () => (await client.request('ping')).status, { timeout: 30_000 }).toBe(404);
});
