import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { acceptedContent, inputRequired } from '../../../src/registry/registry.ts';
import { createOptimizedServer, type OptimizedMCPServer } from '../../../src/server.ts';
import { resolveTasks } from '../../../src/tasks/tasks.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { callTool, modern } from '../support/http.ts';
import { readDocument, runSample } from '../support/samples.ts';
import { FOLLOWS } from '../support/task-instance.ts';
import { serverWith, settle, TestServer } from '../support/test-server.ts';

const { text: guide, samples } = readDocument('docs/guides/tasks.md');
const OPTIONS = { capabilities: FOLLOWS };

describe('the guide to tasks', () => {
  const clock = new FakeClock();
  const gate = Promise.withResolvers<void>();
  const addMonth = (_year: number, month: number) => (month === 4 ? gate.promise : Promise.resolve());
  const server: OptimizedMCPServer = serverWith(undefined, { clock });

  it('has samples that run', async () => {
    const made = (_class: unknown, config: ConstructorParameters<typeof TestServer>[0]) => {
      const another = createOptimizedServer(TestServer, config);
      expect(another.config.tasks).toEqual({ ttlSeconds: 7_200, maxPerPrincipal: 20 });
      return another;
    };
    const parts = { z, addMonth, acceptedContent, inputRequired, Reports: TestServer, stateStore: 'memory' };
    expect(samples).toHaveLength(3);
    for (const code of samples.slice(0, 2)) await runSample(code, { ...parts, server });
    await runSample(samples[2] as string, { ...parts, createOptimizedServer: made });
  });

  it('says what its first tool does', async () => {
    const answer = callTool(server, 'report', { year: 2025 }, OPTIONS);
    await settle();
    clock.advance(50);
    const { taskId } = (await answer).result ?? {};
    await settle();
    const { result } = await modern(server, 'tasks/get', { taskId }, OPTIONS);
    expect(result).toMatchObject({ status: 'working', statusMessage: 'adding up (3 of 12)' });
    gate.resolve();
    await settle();
    expect((await modern(server, 'tasks/get', { taskId }, OPTIONS)).result).toMatchObject({
      ...{ status: 'completed', result: { content: [{ text: 'The report of 2025 is written' }] } },
    });
  });

  it('says what its second tool does', async () => {
    const { taskId } = (await callTool(server, 'delete_all', { folder: 'tmp' }, OPTIONS)).result ?? {};
    await settle();
    const inputResponses = { sure: { action: 'accept', content: { yes: true } } };
    await modern(server, 'tasks/update', { taskId, inputResponses }, OPTIONS);
    await settle();
    expect((await modern(server, 'tasks/get', { taskId }, OPTIONS)).result).toMatchObject({
      ...{ status: 'completed', result: { content: [{ text: 'tmp is empty' }] } },
    });
  });

  it('lists every option with its default', () => {
    const rows = new Map(
      [...guide.matchAll(/^\| `(\w+)` \| `?([^|`]+?)`? \|/gm)].map(([, key, value]) => [key, value]),
    );
    for (const [key, value] of Object.entries(resolveTasks(undefined)))
      if (!['ttlSeconds', 'pollIntervalMs'].includes(key)) expect([key, rows.get(key)]).toEqual([key, String(value)]);
    for (const key of ['required', 'immediateMs', 'ttlSeconds', 'pollIntervalMs']) expect(rows.has(key)).toBe(true);
  });
});
