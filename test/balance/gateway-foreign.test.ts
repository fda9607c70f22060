import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Gateway } from '../../src/balance/balance.ts';
import { type Peer, ROUTES, textOf } from '../e2e/peers.ts';
import { GREETING_URI } from './foreign/features.ts';
import { commandOf, FOREIGN, type ForeignServer, startForeign } from './foreign/foreign.ts';
import { temporaryFolder } from './temporary-folder.ts';

const QUIET = { info: () => {}, warn: () => {} };
const HTTP_ROUTES = ROUTES.filter(({ transport }) => transport === 'http');

describe.each(FOREIGN)('a gateway before servers of $name', ({ name, era: serverEra }) => {
  const folder = temporaryFolder();
  let replicas: readonly ForeignServer[] = [];
  let gateway: Gateway;
  let urls: Awaited<ReturnType<Gateway['listen']>>;
  beforeAll(async () => {
    replicas = await Promise.all([startForeign(name), startForeign(name)]);
    const servers = {
      replicas: { endpoints: replicas.map(({ url }) => url), path: '/replicas' },
      processes: { stdio: { ...commandOf(name, 'stdio'), children: { min: 2 } }, path: '/processes' },
    };
    gateway = new Gateway({ listen: { port: 0 }, servers, merge: { path: '/all' } }, { logger: QUIET });
    urls = await gateway.listen();
  });
  afterAll(async () => {
    await gateway?.close(0);
    await Promise.all(replicas.map((replica) => replica.stop()));
  });

  const places = [
    { place: 'replicas', prefix: '' },
    { place: 'processes', prefix: '' },
    { place: 'merged', prefix: 'replicas_' },
    { place: 'merged', prefix: 'processes_' },
  ];
  const urlOf = (place: string): URL => new URL((place === 'merged' ? urls.merged : urls.servers[place]) ?? '');

  /** Replicas are passed on to as they are: a legacy server has no modern clients. */
  const served = HTTP_ROUTES.flatMap((route) =>
    places
      .filter(({ place }) => place !== 'replicas' || route.era === 'legacy' || serverEra === 'modern')
      .map((place) => ({ ...place, route, client: route.title })),
  );

  describe.each(served)('$place $prefix, for $client', ({ route, place, prefix }) => {
    let peers: readonly Peer[] = [];
    beforeAll(async () => {
      peers = await Promise.all([1, 2, 3, 4].map(() => route.connect(urlOf(place))));
    });
    afterAll(() => Promise.all(peers.map((peer) => peer.close())));
    const peer = (): Peer => peers[0] as Peer;

    it('serves several clients, each in its own session where the server keeps them', async () => {
      for (let round = 0; round < 3; round++) {
        const texts = peers.map(async (each, index) =>
          textOf(await each.callTool({ name: `${prefix}echo`, arguments: { text: `${round} ${index}` } })),
        );
        expect(await Promise.all(texts)).toEqual(peers.map((_, index) => `${round} ${index}`));
      }
    });

    it('lists, reads, prompts and computes', async () => {
      const { tools } = await peer().client.listTools();
      expect(tools.map((tool) => tool.name)).toEqual(expect.arrayContaining([`${prefix}add`, `${prefix}slow`]));
      const sum = await peer().callTool({ name: `${prefix}add`, arguments: { a: 4, b: 5 } });
      expect(sum.structuredContent).toEqual({ sum: 9 });
      const { contents } = await peer().client.readResource({ uri: GREETING_URI });
      expect(contents).toEqual([expect.objectContaining({ text: `hello from ${name}` })]);
      const { messages } = await peer().client.getPrompt({ name: `${prefix}greet`, arguments: { name: 'Ada' } });
      expect(messages).toHaveLength(1);
    });

    it('passes on progress, and errors of tools', async () => {
      const seen: number[] = [];
      const slow = { name: `${prefix}slow`, arguments: { steps: 3 } };
      await peer().callTool(slow, { onprogress: ({ progress }) => void seen.push(progress) });
      expect(seen.slice(0, 2)).toEqual([1, 2]); // The client drops what the result overtakes.
      const failed = await peer().callTool({ name: `${prefix}echo`, arguments: { text: 'fail' } });
      expect(failed.isError).toBe(true);
    });

    if (route.era === 'modern')
      it('cancels with the client', async () => {
        const file = join(folder, `${place}${prefix}`);
        const abort = new AbortController();
        const call = peer().callTool(
          { name: `${prefix}slow`, arguments: { steps: 100_000, file } },
          { signal: abort.signal, onprogress: ({ progress }) => progress === 2 && abort.abort(new Error('enough')) },
        );
        await expect(call).rejects.toThrow();
        const written = () => readFileSync(file, { encoding: 'utf8', flag: 'a+' });
        await expect.poll(written, { timeout: 20_000 }).toBe('cancelled\n');
      });
  });
});
