import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { acceptedContent, inputRequired } from '../../../src/registry/registry.ts';
import { createOptimizedServer, type OptimizedMCPServer } from '../../../src/server.ts';
import { resolveSessions } from '../../../src/session/session.ts';
import { answering, CAN } from '../support/answering.ts';
import { callTool } from '../support/http.ts';
import { type Rpc, textOf } from '../support/messages.ts';
import { readDocument, runSample } from '../support/samples.ts';
import { SessionClient } from '../support/session-client.ts';
import { IDENTITY, serverWith, TestServer } from '../support/test-server.ts';

const { text: guide, samples } = readDocument('docs/guides/sessions.md');

describe('the guide to sessions', () => {
  it('has a sample of a tool that asks, in both eras', async () => {
    const server = serverWith();
    await runSample(samples[0], { server, z, acceptedContent, inputRequired });
    const modern = await callTool(server, 'book', { city: 'Rome' }, { capabilities: CAN });
    expect(modern.result).toMatchObject({ resultType: 'input_required', inputRequests: { seat: {} } });
    const peer = await answering(server, () => ({ result: { action: 'accept', content: { row: 7 } } }));
    const { result } = await peer.legacy('tools/call', { name: 'book', arguments: { city: 'Rome' } });
    expect(textOf({ result } as Rpc)).toBe('Rome, row 7');
    expect((await SessionClient.open(server)).sessionId).toBeDefined();
  });

  it('has a sample of a request to the client', async () => {
    const server = serverWith();
    await runSample(samples[1], { server });
    const peer = await answering(server, ({ method }) =>
      method === 'sampling/createMessage' ? { result: { role: 'assistant', content: 'short', model: 'm' } } : undefined,
    );
    expect(textOf(await peer.legacy('tools/call', { name: 'summarise' }))).toBe('"short"');
  });

  it('has a sample of a server whose clients all have sessions', async () => {
    const values = { createOptimizedServer, Bookings: TestServer, identity: IDENTITY };
    const server = (await runSample(samples[2], values, 'server')) as OptimizedMCPServer;
    expect((await SessionClient.open(server)).sessionId).toBeDefined();
  });

  it('has a sample of a tool that ends its stream', async () => {
    const server = serverWith(undefined, { sessions: true });
    const written = Promise.withResolvers<void>();
    await runSample(samples[3], { server, writeExport: () => written.promise });
    expect(samples).toHaveLength(4);
    const client = await SessionClient.open(server);
    const stream = await client.stream('export');
    expect(await stream.rest()).toEqual([]);
    written.resolve();
    const again = await client.listen({ 'Last-Event-ID': stream.lastId as string });
    expect(textOf((await again.message()) as Rpc)).toBe('done');
  });

  it('lists every option with its default', () => {
    const rows = [...guide.matchAll(/^\| `([a-z]\w+)` \| ([^|]+?) \|/gm)].map(([, key, value]) => [key, value]);
    expect(rows).toEqual(Object.entries(resolveSessions(undefined)).map(([key, value]) => [key, String(value)]));
  });
});
