import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createOptimizedServer, LoadBalancer, OptimizedMCPServer } from '../../src/index.ts';
import { captureErrors, readDocument, runSample } from '../unit/support/samples.ts';
import { IDENTITY } from '../unit/support/test-server.ts';
import { callTool } from './calls.ts';
import { Command } from './supervised.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const { text: guide, samples } = readDocument('docs/guides/scaling.md');
const blocks = (kind: string) =>
  [...guide.matchAll(new RegExp(`\`\`\`${kind}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, code = '']) => code);
const commands = blocks('sh').map((line) => line.trim());
const files = blocks('json').map((json) => JSON.parse(json) as Record<string, unknown>);

/** A folder with the guide's program, in which the package is installed. */
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'peregrine-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  mkdirSync(join(path, 'node_modules'));
  symlinkSync(ROOT, join(path, 'node_modules', 'peregrine-mcp'));
  writeFileSync(join(path, 'package.json'), '{ "type": "module" }');
  // The default port may be taken.
  writeFileSync(
    join(path, 'server.ts'),
    (samples[0] ?? '').replace(
      "description: 'Tells the time' });",
      "description: 'Tells the time', http: { port: 0 } });",
    ),
  );
  return path;
}

/** Runs what the guide says, with the built command in place of `npx peregrine`, and on free ports. */
function run(command: string | undefined, cwd: string, ...more: readonly string[]): Command {
  const [npx, peregrine, ...args] = (command ?? '').split(' ');
  expect([npx, peregrine]).toEqual(['npx', 'peregrine']);
  return new Command([...args, ...more], { cwd, isBuilt: true });
}

describe('the guide to scaling', () => {
  it('has a program that is started as several instances', async () => {
    const started = run(commands[0], folder(), '--instances', '2', '--metrics-port', '0', '--dashboard-port', 'off');
    expect(await callTool(await started.url(), 'now')).toMatch(/^\d{4}-.* by \d+$/);
    await started.ready(2);
    expect((await started.end('SIGTERM')).code).toBe(0);
  });

  it('has a gateway before two of them, and one that merges servers', async () => {
    const cwd = folder();
    const servers = [0, 1].map(
      () =>
        new Command(['start', 'server.ts', '--instances', '1', '--metrics-port', 'off', '--dashboard-port', 'off'], {
          cwd,
          isBuilt: true,
        }),
    );
    const urls = await Promise.all(servers.map((server) => server.url()));
    const moved = (json: unknown): string => {
      const there = ['http://127.0.0.1:3001/mcp', 'http://127.0.0.1:3002/mcp'];
      const text = there.reduce((all, from, index) => all.replaceAll(from, urls[index] ?? ''), JSON.stringify(json));
      return text.replace(/"port":\d+/g, '"port":0').replace('files-server.js', STDIO_SERVER);
    };
    writeFileSync(join(cwd, 'gateway.json'), moved(files[0]));
    const gateway = run(commands[1], cwd);
    const [, url = ''] = await gateway.line(/^clock on (\S+)$/);
    const answers = await Promise.all(Array.from({ length: 20 }, () => callTool(url, 'now')));
    expect(new Set(answers.map((answer) => answer.split(' by ')[1])).size).toBe(2);
    const [, admin = ''] = await gateway.line(/^admin on (\S+)$/);
    expect((await fetch(`${admin}/readyz`)).status).toBe(200);
    expect(await (await fetch(`${admin}/statistics`)).json()).toHaveProperty('servers.clock');
    const metrics = await (await fetch(`${admin}/metrics`)).text();
    expect(metrics).toContain('\nmcp_gateway_calls_total{server="clock"} 20\n');
    const up = urls.map((at) => `mcp_gateway_replica_up{server="clock",replica="${new URL(at).host}"} 1`);
    expect(metrics.split('\n').filter((line) => line.startsWith('mcp_gateway_replica_up{'))).toEqual(up);
    writeFileSync(join(cwd, 'gateway.json'), moved(files[1]));
    const merging = run(commands[1], cwd);
    const [, all = ''] = await merging.line(/^all in one on (\S+)$/);
    expect(await callTool(all, 'clock_now')).toMatch(/ by \d+$/);
    expect(await callTool(all, 'files_who')).toMatch(/^\d+/);
    for (const one of [gateway, merging]) expect((await one.end('SIGTERM')).code).toBe(0);
  });

  it('has a sample of a balancer, and of the events of a server', async () => {
    const written = captureErrors();
    onTestFinished(() => void vi.restoreAllMocks());
    await runSample(samples[1], { LoadBalancer });
    expect(written).toEqual([expect.stringMatching(/^(eu|us) \d/)]);
    class Clock extends OptimizedMCPServer {}
    const told: unknown[] = [];
    const start = (...event: unknown[]): void => void told.push(event);
    const server = (await runSample(
      samples[2],
      { createOptimizedServer, Clock, identity: IDENTITY, start },
      'server',
    )) as OptimizedMCPServer;
    for (const direction of ['up', 'down'] as const)
      server.emit(`scale-${direction}-needed`, {
        direction,
        from: 2,
        to: 4,
        recommendedInstances: 4,
        reason: 'r',
        window: 6,
      });
    expect(told).toEqual([
      [4, 'r'],
      [4, 'r'],
    ]);
    expect(samples).toHaveLength(3);
    expect([commands.length, files.length]).toEqual([2, 2]);
  });
});

/** A server over stdio in place of the guide's. */
const STDIO_SERVER = fileURLToPath(new URL('stdio-program.ts', import.meta.url));
