import { expect, it } from 'vitest';
import { textOf } from '../unit/support/messages.ts';
import { openAt, startSupervised } from './session-servers.ts';

it('a session, and the events of its streams, outlive the instance that made them', async () => {
  const program = await startSupervised();
  const client = await openAt(program.at);
  const stream = await client.stream('walk');
  const pid = Number((await stream.message())?.params?.['data']);
  expect((await stream.message())?.params?.['data']).toBe(0);
  const seen = stream.lastId as string;
  const from = program.lines.length;
  process.kill(pid, 'SIGKILL');
  await stream.rest().catch(() => []); // The connection broke.
  await program.line(/instance \d+ is ready/, from);
  const again = await client.listen({ 'Last-Event-ID': seen.replace(/\d+$/, '2') });
  expect((await again.message())?.params?.['data']).toBe(0);
  await again.leave();
  const whole = await client.stream('walk');
  const messages = await whole.rest();
  expect(textOf(messages.at(-1) ?? expect.fail('no answer'))).toBe('arrived');
  expect((await client.delete()).status).toBe(200);
  expect((await client.request('ping')).status).toBe(404);
});
