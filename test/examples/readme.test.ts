import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { createOptimizedServer, OptimizedMCPServer, type OptimizedServerConfig } from '../../src/index.ts';
import { readDocument, runSample } from '../unit/support/samples.ts';

const { samples } = readDocument('README.md');

/** A client's calls, by the text of each answer. */
async function textsOf(server: OptimizedMCPServer, calls: readonly [tool: string, args: object][]): Promise<string[]> {
  const texts: string[] = [];
  for (const [id, [name, args]] of calls.entries()) {
    const answer = await new Promise<string>((resolve) => {
      void server.connect(resolve).then((client) => {
        const _meta = {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientCapabilities': {},
        };
        client.send(
          JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args, _meta } }),
        );
      });
    });
    texts.push(JSON.parse(answer).result.content[0].text);
  }
  return texts;
}

describe('the samples in README', () => {
  it('has a first server', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    const created: OptimizedMCPServer[] = [];
    const create = (
      Class: new (config: OptimizedServerConfig) => OptimizedMCPServer,
      config: OptimizedServerConfig,
    ) => {
      const server = createOptimizedServer(Class, { ...config, http: { port: 0 }, handleSignals: false });
      created.push(server);
      return server;
    };
    await runSample(samples[0], { createOptimizedServer: create, OptimizedMCPServer, z });
    const [server] = created as [OptimizedMCPServer];
    expect(log.mock.calls).toEqual([[expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/mcp$/)]]);
    expect(await textsOf(server, [['greet', { name: 'Ada' }]])).toEqual(['Hello, Ada!']);
    await server.stop();
    log.mockRestore();
  });

  it('has answers that are kept until they are invalidated', async () => {
    const [register = '', invalidate = ''] = (samples[1] ?? '').split(/^(?=await )/m);
    const search = vi.fn(async () => ({ content: [{ type: 'text', text: `search ${search.mock.calls.length}` }] }));
    class Shop extends OptimizedMCPServer {
      protected override async setup(): Promise<void> {
        await runSample(register.replaceAll('this.', 'server.'), { server: this, search, z });
      }
    }
    const server = createOptimizedServer(Shop, { name: 'shop', version: '1.0.0', description: 'A shop', http: false });
    const call: [string, object] = ['search_products', { category: 'Toys' }];
    expect(await textsOf(server, [call, call])).toEqual(['search 1', 'search 1']);
    await runSample(invalidate.replaceAll('this.', 'server.'), { server });
    expect(await textsOf(server, [call])).toEqual(['search 2']);
  });

  it('runs all of them', () => {
    expect(samples).toHaveLength(2);
  });
});
