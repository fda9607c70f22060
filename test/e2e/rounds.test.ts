import type { Client, ElicitRequest } from '@modelcontextprotocol/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createClient, createTransport, textOf } from './peers.ts';
import { type SampleServer, startSample } from './sample-server.ts';

const ALL_CAPABILITIES = { elicitation: {}, sampling: {}, roots: {} };

let server: SampleServer;
let url: URL;
beforeAll(async () => {
  ({ server, url } = await startSample());
});
afterAll(() => server?.stop());

describe.each(['http', 'stdio'] as const)('multi-round-trip requests over %s', (transport) => {
  const open: Client[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.close()));
  });

  async function connect(capabilities: object, prepare: (client: Client) => void): Promise<Client> {
    const client = createClient('modern', capabilities);
    prepare(client);
    await client.connect(createTransport(transport, url));
    open.push(client);
    return client;
  }

  /** Answers each elicitation with the next of the names, and keeps what was asked. */
  function answering(names: string[], asked: string[] = []): (client: Client) => void {
    return (client) =>
      client.setRequestHandler('elicitation/create', (request: ElicitRequest) => {
        asked.push(request.params.message);
        return { action: 'accept', content: { name: names.shift() ?? 'nobody' } };
      });
  }

  it('asks the user and then answers the tool call', async () => {
    const asked: string[] = [];
    const client = await connect(ALL_CAPABILITIES, answering(['Ada'], asked));
    expect(textOf(await client.callTool({ name: 'ask_name', arguments: {} }))).toBe('Hello, Ada!');
    expect(asked).toEqual(['Your name?']);
  });

  it('tells the handler that the user declined', async () => {
    const client = await connect(ALL_CAPABILITIES, (one) =>
      one.setRequestHandler('elicitation/create', () => ({ action: 'decline' })),
    );
    expect(textOf(await client.callTool({ name: 'ask_name', arguments: {} }))).toBe('You decline.');
  });

  it('asks the user, the model and the client in one round', async () => {
    const client = await connect(ALL_CAPABILITIES, (one) => {
      answering(['Ada'])(one);
      one.setRequestHandler('sampling/createMessage', () => ({
        role: 'assistant',
        content: { type: 'text', text: 'Hi there' },
        model: 'test',
      }));
      one.setRequestHandler('roots/list', () => ({ roots: [{ uri: 'file:///work', name: 'work' }] }));
    });
    const result = await client.callTool({ name: 'ask_everything', arguments: {} });
    expect(JSON.parse(textOf(result))).toEqual({
      user: 'Ada',
      model: { type: 'text', text: 'Hi there' },
      roots: [{ uri: 'file:///work', name: 'work' }],
    });
  });

  it('carries the state of one round to the next', async () => {
    const asked: string[] = [];
    const client = await connect(ALL_CAPABILITIES, answering(['Ada', 'Grace'], asked));
    const result = await client.callTool({ name: 'ask_twice', arguments: { between: 'and' } });
    expect(textOf(result)).toBe('Ada and Grace');
    expect(asked).toEqual(['First name?', 'Second name?']);
  });

  it('asks on the way to a prompt and to a resource, too', async () => {
    const client = await connect(ALL_CAPABILITIES, answering(['rivers', 'Ada']));
    const prompt = await client.getPrompt({ name: 'ask_topic' });
    expect(prompt.messages).toMatchObject([{ content: { text: 'Write about rivers.' } }]);
    const secret = await client.readResource({ uri: 'memo://secret' });
    expect(secret.contents).toMatchObject([{ text: 'for Ada only' }]);
  });

  it('refuses to ask a client for what it did not declare', async () => {
    const client = await connect({}, () => {});
    const call = client.callTool({ name: 'ask_name', arguments: {} });
    await expect(call).rejects.toMatchObject({ code: -32021, data: { requiredCapabilities: { elicitation: {} } } });
  });
});
