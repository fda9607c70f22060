import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { beginSession, startAlone, startSupervised, statusOf } from '../contract/state-servers.ts';
import { callTool } from './calls.ts';

interface Page {
  readonly entries: readonly { readonly number: number }[];
  readonly isWhole: boolean;
}

it('keeps state in the supervisor, past the end of any instance', async () => {
  const program = await startSupervised();
  const session = await beginSession(program.at);
  const append = async () => JSON.parse(await callTool(program.at, 'append')) as [number, string];
  const numbers = await Promise.all(Array.from({ length: 40 }, append));
  expect(numbers.map(([number]) => number).sort((a, b) => a - b)).toEqual(numbers.map((_, index) => index + 1));
  expect(new Set(numbers.map(([, kind]) => kind))).toEqual(new Set(['supervisor']));
  for (let round = 0; round < 2; round++) {
    const from = program.lines.length;
    process.kill(Number(await callTool(program.at, 'who')), 'SIGKILL');
    await program.line(/it ended \(SIGKILL\)/, from);
    await program.line(/instance \d+ is ready/, from);
    expect(await append()).toEqual([41 + round, 'supervisor']);
  }
  expect(await statusOf(program.at, session)).toBe(200);
  const page = JSON.parse(await callTool(program.at, 'read')) as Page;
  expect([page.entries.length, page.isWhole]).toEqual([42, true]);
});

it('keeps state for threads too', async () => {
  const { at } = await startSupervised('--threads');
  const answers = await Promise.all(Array.from({ length: 40 }, () => callTool(at, 'append')));
  const numbers = answers.map((answer) => (JSON.parse(answer) as [number])[0]);
  expect(numbers.sort((a, b) => a - b)).toEqual(numbers.map((_, index) => index + 1));
});

it('shares a file between processes, and finds it again after all of them have ended', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'peregrine-state-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const store = `sqlite:${join(folder, 'state.db')}`;
  const places = await Promise.all([startAlone(store), startAlone(store)]);
  const numbers = await Promise.all(
    Array.from(
      { length: 60 },
      async (_, index) => JSON.parse(await callTool(places[index % 2] ?? '', 'append')) as unknown,
    ),
  );
  expect(numbers.map((pair) => (pair as [number])[0]).sort((a, b) => a - b)).toEqual(
    numbers.map((_, index) => index + 1),
  );
  const program = await startSupervised(store);
  expect(JSON.parse(await callTool(program.at, 'append'))).toEqual([61, 'sqlite']);
  const { entries } = JSON.parse(await callTool(program.at, 'read')) as Page;
  expect(entries.map(({ number }) => number)).toEqual(Array.from({ length: 61 }, (_, index) => index + 1));
});
