import type { Progress } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Peer, ROUTES, textOf } from './peers.ts';
import { type SampleServer, startSample } from './sample-server.ts';

const CLIENTS = 50;
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

let server: SampleServer;
let url: URL;
beforeAll(async () => {
  ({ server, url } = await startSample());
});
afterAll(() => server?.stop());

/** A fixed shuffle for each seed, so that a failure can be repeated. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  const keyed = items.map((item, index) => ({ item, key: Math.imul(index + seed, 0x9e3779b1) >>> 0 }));
  return keyed.sort((left, right) => left.key - right.key).map(({ item }) => item);
}

/** Waits until the handlers of all the names hold, then releases each with its own name, in a shuffled order. */
async function releaseShuffled(names: readonly string[], seed: number): Promise<void> {
  await Promise.all(names.map((name) => server.events.wait(`${name}:holding`)));
  for (const name of shuffled(names, seed)) server.events.reach(`${name}:release`, `answer to ${name}`);
}

/** Posts a `tools/call` of its own making, so that the request's id is exactly the one given. */
async function postCall(era: 'modern' | 'legacy', id: number, name: string): Promise<{ id: unknown; text: unknown }> {
  const modern = era === 'modern';
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': modern ? '2026-07-28' : '2025-11-25',
      ...(modern && { 'mcp-method': 'tools/call', 'mcp-name': 'hold' }),
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name: 'hold', arguments: { name }, ...(modern && { _meta: META }) },
    }),
  });
  const body = await response.text();
  const json = body.startsWith('{') ? body : (/^data: (.*)$/m.exec(body)?.[1] ?? 'null');
  const message = JSON.parse(json) as { id: unknown; result?: { content: [{ text: unknown }] } };
  return { id: message.id, text: message.result?.content[0].text };
}

describe.each(['modern', 'legacy'] as const)('%s requests of many connections with the same id', (era) => {
  it.each([1, 2, 3])('get each its own answer, wave %i', async (wave) => {
    const names = Array.from({ length: CLIENTS }, (_, index) => `${era}-${wave}-${index}`);
    const answers = names.map((name) => postCall(era, 0, name));
    await releaseShuffled(names, wave);
    expect(await Promise.all(answers)).toEqual(names.map((name) => ({ id: 0, text: `answer to ${name}` })));
  });
});

describe('many official clients at once', () => {
  const peers: Peer[] = [];
  beforeAll(async () => {
    const routes = ROUTES.filter((route) => route.transport === 'http');
    const connecting = Array.from({ length: CLIENTS }, (_, index) => routes[index % routes.length]?.connect(url));
    peers.push(...(await Promise.all(connecting)).filter((peer) => peer !== undefined));
  });
  afterAll(() => Promise.all(peers.map((peer) => peer.close())));

  it.each([1, 2, 3])('get each its own answer, wave %i', async (wave) => {
    expect(peers).toHaveLength(CLIENTS);
    const names = peers.map((_, index) => `official-${wave}-${index}`);
    const calls = peers.map((peer, index) => peer.callTool({ name: 'hold', arguments: { name: names[index] } }));
    await releaseShuffled(names, wave);
    expect((await Promise.all(calls)).map(textOf)).toEqual(names.map((name) => `answer to ${name}`));
  });

  it('get each the progress of its own call', async () => {
    const steps = (index: number): number => (index % 7) + 1;
    const totals = peers.map((): (number | undefined)[] => []);
    const calls = peers.map((peer, index) => {
      const name = `counter-${index}`;
      const onprogress = ({ progress, total }: Progress): void => {
        totals[index]?.push(total);
        server.events.reach(`${name}:${progress}`);
      };
      return peer.callTool({ name: 'count', arguments: { name, to: steps(index) } }, { onprogress });
    });
    expect((await Promise.all(calls)).map(textOf)).toEqual(peers.map((_, index) => `counted to ${steps(index)}`));
    expect(totals).toEqual(peers.map((_, index) => Array.from({ length: steps(index) }, () => steps(index))));
  });

  it('do not cancel one another, though their requests have the same ids', async () => {
    const names = peers.map((_, index) => `victim-${index}`);
    const aborts = peers.map(() => new AbortController());
    const calls = peers.map((peer, index) => {
      const signal = aborts[index]?.signal;
      return peer.callTool({ name: 'hang', arguments: { name: names[index] } }, signal && { signal });
    });
    const settled = Promise.allSettled(calls);
    await Promise.all(names.map((name) => server.events.wait(`${name}:hanging`)));
    aborts.forEach((abort, index) => {
      if (index % 2 === 1) abort.abort(new Error('changed my mind'));
    });
    names.forEach((name, index) => {
      if (index % 2 === 0) server.events.reach(`${name}:release`);
    });
    const results = await settled;
    expect(results.map((result) => (result.status === 'fulfilled' ? textOf(result.value) : 'cancelled'))).toEqual(
      peers.map((_, index) => (index % 2 === 1 ? 'cancelled' : 'released')),
    );
    for (const [index, name] of names.entries()) if (index % 2 === 1) server.events.reach(`${name}:release`);
  });
});
