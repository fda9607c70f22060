import { describe, expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import { OptionError } from '../../src/kernel/errors.ts';
import type { ObservedCalls } from '../../src/registry/registry.ts';
import { createOptimizedServer, OptimizedMCPServer } from '../../src/server.ts';
import type { PlacementEvent } from '../../src/signal/signal.ts';
import { FakeClock } from '../../src/testing/testing.ts';
import { callTool } from '../unit/support/http.ts';
import { textOf } from '../unit/support/messages.ts';
import { IDENTITY, serverWith, type TestServer, text } from '../unit/support/test-server.ts';
import { taskModule } from './support.ts';

const module = taskModule('tool.ts');
const inputSchema = { n: z.number() };

function setUp(register: (server: TestServer, clock: FakeClock) => void) {
  const clock = new FakeClock();
  const server = serverWith((one) => register(one, clock), { http: false, clock });
  const events: PlacementEvent[] = [];
  server.signals.placement.on((event) => events.push(event));
  onTestFinished(() => server.stop());
  return { server, events, call: async (n: number) => textOf(await callTool(server, 'where', { n })) };
}

describe('a tool with a module', () => {
  it('runs where it says', async () => {
    const inline = setUp((server) => server.registerTool('where', { inputSchema, module }));
    const thread = setUp((server) => server.registerTool('where', { inputSchema, module, run: 'thread' }));
    const child = setUp((server) => server.registerTool('where', { inputSchema, module, run: 'process' }));
    expect(await inline.call(1)).toBe(await inline.call(1));
    expect(await thread.call(2)).toBe('2 thread false');
    const answer = await child.call(3);
    expect(answer).toMatch(/^3 \d+ false$/);
    expect(answer).not.toBe(`3 ${process.pid} false`);
  });

  it('takes no arguments without an input schema', async () => {
    const { server } = setUp((one) => one.registerTool('where', { module, run: 'thread' }));
    expect(textOf(await callTool(server, 'where'))).toBe('undefined thread false');
  });

  it('can be registered again after it was removed', async () => {
    const { call } = setUp((server) => {
      server.registerTool('where', { inputSchema, module, run: 'thread' }).remove();
      server.registerTool('where', { inputSchema, module, run: 'thread' });
    });
    expect(await call(1)).toBe('1 thread false');
  });

  it('is refused when it says something else', () => {
    const server = serverWith();
    for (const config of [{ run: 'thread' }, { run: 'fibre', module }, { run: 'thread', module: './tool.ts' }])
      expect(() => server.registerTool('a', config as { run: 'thread' })).toThrow(OptionError);
    expect(() => server.registerTool('a', {})).toThrow(OptionError);
    expect(() => server.registerTool('a', { run: undefined }, () => text('fine'))).not.toThrow();
  });
});

describe('a tool that runs where it is best', () => {
  const registered = (withModule: boolean, tookMs: (call: number) => number) =>
    setUp((server, clock) => {
      let calls = 0;
      server.registerTool('where', { inputSchema, run: 'auto', ...(withModule ? { module } : {}) }, ({ n }) => {
        clock.advance(tookMs(++calls));
        return text(`${n} inline`);
      });
    });

  it('moves to threads once 9 of 10 calls block the event loop for longer than 5 ms, after 20 calls', async () => {
    const { call, events } = registered(true, () => 6);
    for (let count = 1; count <= 20; count++) expect(await call(count)).toBe(`${count} inline`);
    expect(await call(21)).toBe('21 thread false');
    expect(events).toEqual([{ tool: 'where', kind: 'moved', p90Ms: expect.closeTo(6, 0), calls: 20 }]);
  });

  it('stays where it is while slow calls are rare', async () => {
    const { call, events } = registered(true, (count) => (count % 12 === 0 ? 50 : 1));
    for (let count = 1; count <= 60; count++) expect(await call(count)).toBe(`${count} inline`);
    expect(events).toEqual([]);
  });

  it('without a module is named, once, and goes on', async () => {
    const { call, events } = registered(false, () => 6);
    for (let count = 1; count <= 40; count++) expect(await call(count)).toBe(`${count} inline`);
    expect(events).toEqual([{ tool: 'where', kind: 'blocking', p90Ms: expect.closeTo(6, 0), calls: 20 }]);
  });

  it('leaves the event loop when its server’s author says so, even before the first call', async () => {
    const asked: [string, number, number][] = [];
    class Deciding extends OptimizedMCPServer {
      protected override setup(): void {
        this.registerTool('where', { inputSchema, run: 'auto', module }, ({ n }) => text(`${n} inline`));
        this.registerTool('other', { run: 'auto', module }, () => text('inline'));
      }
      protected override isCPUIntensive(tool: string, calls: ObservedCalls): boolean {
        asked.push([tool, calls.count, calls.maxMs]);
        return tool === 'where' || super.isCPUIntensive(tool, calls);
      }
    }
    const server = createOptimizedServer(Deciding, { ...IDENTITY, http: false, clock: new FakeClock() });
    onTestFinished(() => server.stop());
    for (let count = 1; count < 3; count++) {
      expect(textOf(await callTool(server, 'where', { n: count }))).toBe(`${count} thread false`);
      expect(textOf(await callTool(server, 'other'))).toBe('inline');
    }
    expect(asked).toEqual([
      ['where', 0, 0],
      ['other', 0, 0],
      ['other', 1, 0],
    ]);
  });
});
