import { completable, createOptimizedServer, OptimizedMCPServer, ResourceTemplate } from 'peregrine-mcp';
import * as z from 'zod';
import { Rendezvous } from './rendezvous.ts';
import { registerRounds } from './sample-rounds.ts';
import { registerChangingTools, registerPlainTools, registerWaitingTools } from './sample-tools.ts';

const NOTES = new Map([
  ['1', 'buy milk'],
  ['2', 'call home'],
]);
const TOPICS = ['gardening', 'geology', 'music'];

/** What the end-to-end tests talk to, over HTTP in their own process and over stdio in another. */
export class SampleServer extends OptimizedMCPServer {
  readonly events = new Rendezvous();

  protected override setup(): void {
    registerPlainTools(this);
    registerWaitingTools(this, this.events);
    registerRounds(this);
    registerChangingTools(this);
    registerMemos(this);
    registerPrompts(this);
  }
}

function registerMemos(server: SampleServer): void {
  server.registerResource(
    'greeting',
    'memo://greeting',
    { description: 'A greeting', mimeType: 'text/plain' },
    (uri) => ({
      contents: [{ uri: uri.href, mimeType: 'text/plain', text: 'good morning' }],
    }),
  );

  const template = new ResourceTemplate('memo://note/{id}', {
    list: () => ({ resources: [...NOTES.keys()].map((id) => ({ uri: `memo://note/${id}`, name: `note ${id}` })) }),
    complete: { id: (typed) => [...NOTES.keys()].filter((id) => id.startsWith(typed)) },
  });
  server.registerResource('note', template, { description: 'A note', mimeType: 'text/plain' }, (uri, { id }) => ({
    contents: [{ uri: uri.href, mimeType: 'text/plain', text: NOTES.get(String(id)) ?? `no note ${id}` }],
  }));
}

function registerPrompts(server: SampleServer): void {
  server.registerPrompt(
    'compose',
    {
      description: 'Asks for a text',
      argsSchema: z.object({
        topic: completable(z.string(), (typed) => TOPICS.filter((topic) => topic.startsWith(typed))),
        tone: z.string().optional(),
      }),
    },
    ({ topic, tone }) => ({
      messages: [{ role: 'user', content: { type: 'text', text: `Write about ${topic}, ${tone ?? 'plainly'}.` } }],
    }),
  );
}

const IDENTITY = { name: 'sample', version: '1.2.3', description: 'The server of the end-to-end tests' };

/** A free port, and no handlers for the signals of the process that runs the tests. */
export const ANY_PORT = { http: { port: 0, host: '127.0.0.1', path: '/mcp' }, handleSignals: false } as const;

export async function startOverHttp(server: OptimizedMCPServer): Promise<URL> {
  const { url } = await server.start();
  if (url === undefined) throw new Error('the server listens nowhere');
  return new URL(url);
}

/** Starts the sample server over HTTP on a free port. */
export async function startSample(): Promise<{ server: SampleServer; url: URL }> {
  const server = createOptimizedServer(SampleServer, { ...IDENTITY, ...ANY_PORT });
  return { server, url: await startOverHttp(server) };
}

/** Serves the sample server over this process's stdin and stdout. */
export async function serveSampleOverStdio(): Promise<void> {
  await createOptimizedServer(SampleServer, { ...IDENTITY, stdio: true }).start();
}
