import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import * as z from 'zod';
import { createOptimizedServer, OptimizedMCPServer } from '../../src/server.ts';
import { resolveWorkersOptions, WORKERS_KEYS } from '../../src/worker/options.ts';
import { WorkerPools } from '../../src/worker/worker.ts';
import { callTool } from '../unit/support/http.ts';
import { textOf } from '../unit/support/messages.ts';
import { readDocument, runSample } from '../unit/support/samples.ts';
import { serverWith } from '../unit/support/test-server.ts';

const { text: guide, samples } = readDocument('docs/guides/workers.md');

/** Runs a sample beside those that are files. @returns The sample's variable, if one is asked for. */
async function run(sample: string | undefined, wanted = 'undefined', more: object = {}): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'peregrine-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'primes.ts'), samples[0] ?? '');
  writeFileSync(join(folder, 'shout.ts'), samples[3] ?? '');
  const here = pathToFileURL(join(folder, 'main.ts')).href;
  const values = { OptimizedMCPServer, createOptimizedServer, WorkerPools, here, ...more };
  return runSample(sample?.replaceAll('import.meta.url', 'here'), values, wanted);
}

describe('the guide to workers', () => {
  it('has a sample of a task and of a server that runs it', async () => {
    const server = (await run(samples[1], 'server')) as OptimizedMCPServer;
    onTestFinished(() => server.stop());
    expect(textOf(await callTool(server, 'primes'))).toBe('1229 primes');
  });

  it('has a sample of pools without a server', async () => {
    expect(samples).toHaveLength(6);
    const written = vi.spyOn(console, 'error').mockImplementation(() => {});
    onTestFinished(() => written.mockRestore());
    await run(samples[2]);
    expect(written.mock.calls).toEqual([['255 155 0', 0]]);
  });

  it('has a sample of a tool that is a module', async () => {
    const server = serverWith(() => {}, { http: false });
    onTestFinished(() => server.stop());
    await run(samples[4], 'undefined', { server, z });
    expect(textOf(await callTool(server, 'shout', { words: 'quiet' }))).toBe('QUIET');
  });

  it('has a sample of a rule of one’s own', async () => {
    const Renderer = (await run(samples[5], 'Renderer')) as typeof OptimizedMCPServer;
    expect(Object.hasOwn(Renderer.prototype, 'isCPUIntensive')).toBe(true);
  });

  it('lists every option with its default', () => {
    const rows = new Map([...guide.matchAll(/^\| `(\w+)` \| ([^|]+?) \|/gm)].map(([, key, value]) => [key, value]));
    const [small, large] = [1, 8].map((cores) => resolveWorkersOptions({}, { cores, memoryBytes: cores * 2 ** 30 }));
    for (const key of WORKERS_KEYS) {
      const shown = small?.[key] === large?.[key] ? String(small?.[key]) : expect.any(String);
      expect([key, rows.get(key)]).toEqual([key, key.endsWith('HeapMb') ? expect.any(String) : shown]);
    }
  });
});
