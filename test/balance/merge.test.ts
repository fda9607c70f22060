import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Peer, ROUTES, textOf } from '../e2e/peers.ts';
import { GREETING_URI } from './foreign/features.ts';
import { BEHIND, type Stage, startStage } from './merged-stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage?.stop());

const FRONTS = ROUTES.filter(({ transport }) => transport === 'http');

describe.each(FRONTS)('$title', ({ era, connect, title }) => {
  let peer: Peer;
  beforeAll(async () => {
    peer = await connect(stage.url);
  });
  afterAll(() => peer?.close());

  it('sees the tools of all servers under their prefixes, in the order of the servers', async () => {
    const { tools } = await peer.client.listTools();
    const expected = BEHIND.flatMap(({ prefix }) => ['echo', 'add', 'slow'].map((name) => `${prefix}_${name}`));
    expect(tools.map(({ name }) => name)).toEqual(expected);
  });

  it('sees the prompts of all servers, and a resource that all have once', async () => {
    const { prompts } = await peer.client.listPrompts();
    expect(prompts.map(({ name }) => name)).toEqual(BEHIND.map(({ prefix }) => `${prefix}_greet`));
    const { resources } = await peer.client.listResources();
    expect(resources.map(({ uri, name }) => [uri, name])).toEqual([[GREETING_URI, `${BEHIND[0]?.prefix}_greeting`]]);
  });

  it('reads the resource of the first server that has it', async () => {
    const { contents } = await peer.client.readResource({ uri: GREETING_URI });
    expect(contents).toEqual([expect.objectContaining({ uri: GREETING_URI, text: 'hello from sdk-v1' })]);
  });

  it('is told that a resource is missing', async () => {
    const read = peer.client.readResource({ uri: 'greeting://nobody' });
    await expect(read).rejects.toMatchObject({ code: FRONTS.find((route) => route.title === title)?.missingResource });
  });

  it('is told that nobody has such a tool', async () => {
    await expect(peer.callTool({ name: 'nobody_echo', arguments: {} })).rejects.toMatchObject({ code: -32602 });
  });

  describe.each(BEHIND)('with $kind.name over $carrier behind', ({ prefix }) => {
    it('calls a tool', async () => {
      expect(textOf(await peer.callTool({ name: `${prefix}_echo`, arguments: { text: 'héllo' } }))).toBe('héllo');
    });

    it('gets structured output', async () => {
      const result = await peer.callTool({ name: `${prefix}_add`, arguments: { a: 1, b: 2 } });
      expect(result.structuredContent).toEqual({ sum: 3 });
    });

    it("gets a tool's error as a result", async () => {
      const result = await peer.callTool({ name: `${prefix}_echo`, arguments: { text: 'fail' } });
      expect(result.isError).toBe(true);
      expect(textOf(result)).toContain('failed on purpose');
    });

    it('is told of progress, in order', async () => {
      const seen: number[] = [];
      const call = { name: `${prefix}_slow`, arguments: { steps: 3 } };
      const result = await peer.callTool(call, { onprogress: ({ progress }) => void seen.push(progress) });
      expect(textOf(result)).toBe('3 steps');
      expect(seen.slice(0, 2)).toEqual([1, 2]); // The client drops what the result overtakes.
    });

    it('gets a prompt', async () => {
      const { messages } = await peer.client.getPrompt({ name: `${prefix}_greet`, arguments: { name: 'Ada' } });
      expect(messages).toEqual([expect.objectContaining({ content: expect.objectContaining({ text: 'Greet Ada' }) })]);
    });

    it('is told of wrong arguments', async () => {
      const call = peer.callTool({ name: `${prefix}_add`, arguments: { a: 'one' } });
      // Servers differ: a result that says so, or an error.
      const outcome = await call.then(
        ({ isError }) => isError,
        (error: { code: number }) => error.code === -32602,
      );
      expect(outcome).toBe(true);
    });

    if (era === 'modern')
      it('cancels a call', async () => {
        const file = join(stage.folder, `${prefix}.log`);
        const abort = new AbortController();
        const call = peer.callTool(
          { name: `${prefix}_slow`, arguments: { steps: 100_000, file } },
          { signal: abort.signal, onprogress: ({ progress }) => progress === 2 && abort.abort(new Error('enough')) },
        );
        await expect(call).rejects.toThrow();
        await expect
          .poll(() => readFileSync(file, { encoding: 'utf8', flag: 'a+' }), { timeout: 20_000 })
          .toBe('cancelled\n');
      });
  });
});
