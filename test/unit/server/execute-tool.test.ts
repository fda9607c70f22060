import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import type { ServerContext } from '../../../src/registry/registry.ts';
import { createOptimizedServer, OptimizedMCPServer } from '../../../src/server.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import type { CallToolResult, InputRequiredResult } from '../../../src/wire/wire.ts';
import { callTool, legacy } from '../support/http.ts';
import { codeOf, textOf } from '../support/messages.ts';
import { Peer } from '../support/peer.ts';
import { faultsOf, IDENTITY, text } from '../support/test-server.ts';

type Answer = CallToolResult | InputRequiredResult;

class Base extends OptimizedMCPServer {
  protected override setup(): void {
    this.registerTool('add', { inputSchema: { a: z.number(), b: z.number().default(1) } }, ({ a, b }, context) => {
      context.progress(1);
      void context.mcpReq.log('info', 'adding');
      return text(`${a + b} ${context.signal.aborted} ${context.mcpReq.method}`);
    });
    this.registerTool('plain', {}, (context) => text(`plain ${context.mcpReq.method}`));
    this.registerTool('fails', {}, () => {
      throw new Error('of the tool');
    });
  }

  /** What is protected, for tests. */
  run(name: string, args: unknown): Promise<Answer> {
    return this.executeTool(name, args);
  }

  operation<T>(name: string, work: () => T | Promise<T>, key?: string, ttl?: number): Promise<T> {
    return this.handleOptimizedRequest(name, work, key, ttl);
  }
}

class Overriding extends Base {
  readonly seen: unknown[] = [];

  protected override async executeTool(name: string, args: unknown, context?: ServerContext): Promise<Answer> {
    this.seen.push({ name, args, id: context?.mcpReq.id });
    if (name === 'plain') return text('overridden');
    return super.executeTool(name, args, context);
  }
}

describe('executeTool', () => {
  it('overridden sees every call, with checked arguments and the context, and may answer itself', async () => {
    const server = createOptimizedServer(Overriding, IDENTITY);
    expect(textOf(await callTool(server, 'add', { a: 1 }, { id: 'x' }))).toBe('2 false tools/call');
    expect(textOf(await callTool(server, 'plain', undefined, { id: 'y' }))).toBe('overridden');
    expect(textOf(await legacy(server, 'tools/call', { name: 'plain' }))).toBe('overridden');
    const peer = await Peer.to(server);
    expect(textOf(await peer.modern('tools/call', { name: 'add', arguments: { a: 2, b: 3 } }, { id: 'z' }))).toBe(
      '5 false tools/call',
    );
    expect(server.seen).toEqual([
      { name: 'add', args: { a: 1, b: 1 }, id: 'x' },
      { name: 'plain', args: undefined, id: 'y' },
      { name: 'plain', args: undefined, id: 1 },
      { name: 'add', args: { a: 2, b: 3 }, id: 'z' },
    ]);
  });

  it('overridden is not asked for what does not exist or does not fit', async () => {
    const server = createOptimizedServer(Overriding, IDENTITY);
    expect(codeOf(await callTool(server, 'none'))).toBe(-32602);
    expect((await callTool(server, 'add', { a: 'x' })).result).toMatchObject({ isError: true });
    expect(server.seen).toEqual([]);
  });

  it('overridden may throw as a tool may', async () => {
    class Throwing extends Base {
      protected override async executeTool(): Promise<Answer> {
        throw new TypeError('secret');
      }
    }
    const server = createOptimizedServer(Throwing, IDENTITY);
    const faults = faultsOf(server);
    const reply = await callTool(server, 'plain');
    expect(reply.result).toMatchObject({ isError: true });
    expect(reply.text).not.toContain('secret');
    expect(faults).toMatchObject([{ where: 'tools/call plain', error: { message: 'secret' } }]);
  });

  it('by default runs the tool that was registered', async () => {
    const server = createOptimizedServer(Base, IDENTITY);
    expect(textOf(await callTool(server, 'plain'))).toBe('plain tools/call');
  });

  it('called by the author’s own code checks arguments and has a context that reaches nobody', async () => {
    const server = createOptimizedServer(Base, IDENTITY);
    await server.ready();
    expect(await server.run('add', { a: 1 })).toEqual(text('2 false tools/call'));
    expect(await server.run('plain', undefined)).toEqual(text('plain tools/call'));
    await expect(server.run('add', { a: 'x' })).rejects.toMatchObject({
      code: 'ARGUMENTS_INVALID',
      message: expect.stringContaining('"add"'),
    });
    await expect(server.run('add', undefined)).rejects.toMatchObject({ code: 'ARGUMENTS_INVALID' });
    await expect(server.run('none', {})).rejects.toMatchObject({ code: 'TOOL_UNKNOWN' });
    await expect(server.run('toString', {})).rejects.toMatchObject({ code: 'TOOL_UNKNOWN' });
    await expect(server.run('fails', {})).rejects.toThrow('of the tool');
    expect(server.getPerformanceMetrics().requests.total).toBe(0);
  });
});

describe('handleOptimizedRequest', () => {
  it('runs work of the author’s own and counts it under its name', async () => {
    const server = createOptimizedServer(Base, IDENTITY);
    const events = vi.fn();
    server.signals.request.on(events);
    expect(await server.operation('report', () => 5)).toBe(5);
    expect(await server.operation('report', async () => undefined)).toBe(undefined);
    const failing = server.operation('report', () => {
      throw new RangeError('no');
    });
    await expect(failing).rejects.toThrow(RangeError);
    expect(events.mock.calls.map(([event]) => [event.method, event.target, event.outcome])).toEqual([
      ['operation', 'report', 'ok'],
      ['operation', 'report', 'ok'],
      ['operation', 'report', 'error'],
    ]);
    expect(server.getPerformanceMetrics().requests).toMatchObject({ total: 3, errors: 1 });
  });

  it('keeps the result under a key, for as long as it is told, and computes it once for all who ask', async () => {
    const clock = new FakeClock();
    const server = createOptimizedServer(Base, { ...IDENTITY, clock });
    const work = vi.fn(async () => ({ made: work.mock.calls.length }));
    const all = Promise.all([server.operation('report', work, 'key', 60), server.operation('report', work, 'key', 60)]);
    expect(await all).toEqual([{ made: 1 }, { made: 1 }]);
    clock.advance(59_999);
    expect(await server.operation('report', work, 'key', 60)).toEqual({ made: 1 });
    clock.advance(1);
    expect(await server.operation('report', work, 'key', 60)).toEqual({ made: 2 });
    await server.cache.delete('key');
    expect(await server.operation('report', work, 'key', 60)).toEqual({ made: 3 });
    expect(server.getPerformanceMetrics()).toMatchObject({ requests: { total: 5 }, cache: { hits: 1, misses: 4 } });
  });

  it('keeps no failure', async () => {
    const server = createOptimizedServer(Base, IDENTITY);
    const work = vi.fn(() => Promise.reject(new Error('not now')));
    for (let tries = 1; tries <= 2; tries++) {
      await expect(server.operation('report', work, 'key')).rejects.toThrow('not now');
      expect(work).toHaveBeenCalledTimes(tries);
    }
  });
});
