import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { completable } from '../../../src/registry/registry.ts';
import { legacy, modern } from '../support/http.ts';
import { codeOf } from '../support/messages.ts';
import { Peer } from '../support/peer.ts';
import { serverWith, type TestServer, text } from '../support/test-server.ts';

interface Offer {
  readonly tools: boolean;
  readonly resources: boolean;
  readonly prompts: boolean;
  readonly completes: boolean;
}

function offering({ tools, resources, prompts, completes }: Offer): TestServer {
  return serverWith((server) => {
    if (tools) server.registerTool('t', {}, () => text(''));
    if (resources) server.registerResource('r', 'x://r', {}, () => ({ contents: [] }));
    const argsSchema = completes ? { a: completable(z.string(), () => []) } : { a: z.string() };
    if (prompts) server.registerPrompt('p', { argsSchema }, () => ({ messages: [] }));
  });
}

/** The methods that belong to each capability. */
const METHODS: Readonly<Record<string, readonly string[]>> = {
  tools: ['tools/list', 'tools/call'],
  resources: ['resources/list', 'resources/templates/list', 'resources/read'],
  prompts: ['prompts/list', 'prompts/get'],
};

const offer = fc.record({
  tools: fc.boolean(),
  resources: fc.boolean(),
  prompts: fc.boolean(),
  completes: fc.boolean(),
});

describe('the capabilities', () => {
  it('match the methods that are served, in both eras', async () => {
    const cases = fc.asyncProperty(offer, async (offered) => {
      const server = offering(offered);
      const { capabilities } = (await modern(server, 'server/discover')).result as { capabilities: object };
      const handshake = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } };
      const peer = await Peer.to(server);
      expect((await peer.legacy('initialize', handshake)).result).toMatchObject({ capabilities });
      for (const [name, methods] of Object.entries(METHODS)) {
        for (const method of methods) {
          const isServed = [codeOf(await modern(server, method)), codeOf(await legacy(server, method))].map(
            (code) => code !== -32601,
          );
          expect(isServed).toEqual([name in capabilities, name in capabilities]);
        }
      }
      expect('completions' in capabilities).toBe(offered.prompts && offered.completes);
      if ('completions' in capabilities) expect(codeOf(await modern(server, 'completion/complete'))).toBe(-32602);
    });
    await fc.assert(cases, { numRuns: 40 });
  });

  it('grow while the server runs', async () => {
    const server = serverWith();
    expect((await modern(server, 'server/discover')).result?.capabilities).not.toHaveProperty('tools');
    server.registerTool('t', {}, () => text(''));
    expect((await modern(server, 'server/discover')).result?.capabilities).toHaveProperty('tools', {
      listChanged: true,
    });
    expect((await modern(server, 'tools/list')).result?.tools).toHaveLength(1);
  });

  it('have only members that the revision knows', async () => {
    const server = offering({ tools: true, resources: true, prompts: true, completes: true });
    expect((await modern(server, 'server/discover')).result?.capabilities).toEqual({
      tools: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      prompts: { listChanged: true },
      completions: {},
      logging: {},
    });
  });
});
