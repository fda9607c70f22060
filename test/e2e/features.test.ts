import type { Progress } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Peer, ROUTES, textOf } from './peers.ts';
import { type SampleServer, startSample } from './sample-server.ts';

const LOG_LEVEL_KEY = 'io.modelcontextprotocol/logLevel';

let server: SampleServer;
let url: URL;
beforeAll(async () => {
  ({ server, url } = await startSample());
});
afterAll(() => server?.stop());

describe.each(ROUTES)('$title', ({ title, era, transport, missingResource, connect }) => {
  let peer: Peer;
  beforeAll(async () => {
    peer = await connect(url);
  });
  afterAll(() => peer?.close());

  it('learns who the server is and what it can', () => {
    expect(peer.client.getServerVersion()).toMatchObject({ name: 'sample', version: '1.2.3' });
    expect(peer.client.getServerCapabilities()).toMatchObject({
      tools: {},
      resources: {},
      prompts: {},
      completions: {},
    });
  });

  it('lists the tools with their schemas, in the order of their registration', async () => {
    const { tools } = await peer.client.listTools();
    expect(tools.slice(0, 3).map((tool) => tool.name)).toEqual(['add', 'fail', 'chatter']);
    expect(tools[0]).toMatchObject({
      description: 'Adds two numbers',
      annotations: { readOnlyHint: true },
      inputSchema: { type: 'object', required: ['a', 'b'] },
      outputSchema: { type: 'object', required: ['sum'] },
    });
  });

  it('calls a tool and gets its structured result', async () => {
    const result = await peer.callTool({ name: 'add', arguments: { a: 2, b: 40 } });
    expect(result.structuredContent).toEqual({ sum: 42 });
    expect(textOf(result)).toBe('42');
    expect(result.isError).not.toBe(true);
  });

  it('gets a result that is an error for arguments which do not fit, and for a handler that throws', async () => {
    const misfit = await peer.callTool({ name: 'add', arguments: { a: 'two', b: 40 } });
    expect(misfit.isError).toBe(true);
    const failure = await peer.callTool({ name: 'fail', arguments: {} });
    expect(failure.isError).toBe(true);
    expect(textOf(failure)).toContain('failed on purpose');
  });

  it('is refused an unknown tool, and names of the object prototype', async () => {
    for (const name of ['nowhere', '__proto__', 'constructor', 'toString']) {
      await expect(peer.callTool({ name, arguments: {} })).rejects.toMatchObject({ code: -32602 });
    }
  });

  it('follows the progress of a call', async () => {
    const name = `${title}, counting`;
    const seen: Progress[] = [];
    const onprogress = (step: Progress): void => {
      seen.push(step);
      void peer.callTool({ name: 'reach', arguments: { event: `${name}:${step.progress}` } });
    };
    const result = await peer.callTool({ name: 'count', arguments: { name, to: 4 } }, { onprogress });
    expect(textOf(result)).toBe('counted to 4');
    expect(seen).toEqual([1, 2, 3, 4].map((progress) => ({ progress, total: 4, message: `step ${progress}` })));
  });

  it('gets the log messages at or above the level that it asked for', async () => {
    if (era === 'modern') {
      await peer.callTool({ name: 'chatter', arguments: {}, _meta: { [LOG_LEVEL_KEY]: 'info' } });
    } else {
      await peer.client.setLoggingLevel('info');
      await peer.callTool({ name: 'chatter', arguments: {} });
    }
    const message = await peer.inbox.next('notifications/message', ({ data }) => data === 'in earnest');
    expect(message.params).toMatchObject({ level: 'warning', logger: 'sample' });
    // Without a session nothing remembers the level of an earlier request.
    const remembers = era === 'modern' || transport === 'stdio';
    expect(peer.inbox.of('notifications/message')).toHaveLength(remembers ? 1 : 2);
  });

  it('lists and reads resources, those of a template too', async () => {
    const { resources } = await peer.client.listResources();
    expect(resources.map((resource) => resource.uri)).toEqual(
      expect.arrayContaining(['memo://greeting', 'memo://note/1', 'memo://note/2']),
    );
    const { resourceTemplates } = await peer.client.listResourceTemplates();
    expect(resourceTemplates).toMatchObject([{ name: 'note', uriTemplate: 'memo://note/{id}' }]);
    const greeting = await peer.client.readResource({ uri: 'memo://greeting' });
    expect(greeting.contents).toEqual([{ uri: 'memo://greeting', mimeType: 'text/plain', text: 'good morning' }]);
    const note = await peer.client.readResource({ uri: 'memo://note/2' });
    expect(note.contents).toMatchObject([{ uri: 'memo://note/2', text: 'call home' }]);
  });

  it('is refused a resource that does not exist, by an error which repeats its URI', async () => {
    const reading = peer.client.readResource({ uri: 'memo://nowhere' });
    await expect(reading).rejects.toMatchObject({ code: missingResource, data: { uri: 'memo://nowhere' } });
  });

  it('lists and gets prompts', async () => {
    const { prompts } = await peer.client.listPrompts();
    expect(prompts.find((prompt) => prompt.name === 'compose')).toMatchObject({
      description: 'Asks for a text',
      arguments: [
        { name: 'topic', required: true },
        { name: 'tone', required: false },
      ],
    });
    const prompt = await peer.client.getPrompt({ name: 'compose', arguments: { topic: 'music', tone: 'gladly' } });
    expect(prompt.messages).toEqual([{ role: 'user', content: { type: 'text', text: 'Write about music, gladly.' } }]);
  });

  it('is refused an unknown prompt, and one whose arguments are missing', async () => {
    await expect(peer.client.getPrompt({ name: 'nowhere' })).rejects.toMatchObject({ code: -32602 });
    await expect(peer.client.getPrompt({ name: 'compose' })).rejects.toMatchObject({ code: -32602 });
  });

  it('completes the argument of a prompt and the variable of a template', async () => {
    const topic = await peer.client.complete({
      ref: { type: 'ref/prompt', name: 'compose' },
      argument: { name: 'topic', value: 'g' },
    });
    expect(topic.completion.values).toEqual(['gardening', 'geology']);
    const id = await peer.client.complete({
      ref: { type: 'ref/resource', uri: 'memo://note/{id}' },
      argument: { name: 'id', value: '' },
    });
    expect(id.completion.values).toEqual(['1', '2']);
  });

  if (era === 'legacy')
    it('pings', async () => {
      await expect(peer.client.ping()).resolves.toBeDefined();
    });

  it('answers calls in the order in which they finish, not in which they came', async () => {
    const name = `${title}, in order`;
    const slow = peer.callTool({ name: 'hold', arguments: { name } });
    await peer.callTool({ name: 'wait_for', arguments: { event: `${name}:holding` } });
    const quick = await peer.callTool({ name: 'add', arguments: { a: 1, b: 1 } });
    expect(textOf(quick)).toBe('2');
    await peer.callTool({ name: 'reach', arguments: { event: `${name}:release` } });
    expect(textOf(await slow)).toBe('');
  });
});
