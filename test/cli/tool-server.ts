import { createOptimizedServer, OptimizedMCPServer, type OptimizedServerConfig, ResourceTemplate } from 'peregrine-mcp';
import * as z from 'zod';

export interface ToolServer {
  readonly url: string;
  stop(): Promise<void>;
}

const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] });

/** One tool for each kind of answer that the command line must show. */
class Tools extends OptimizedMCPServer {
  protected override setup(): void {
    const operands = z.object({ a: z.number(), b: z.number().optional() });
    this.registerTool('add', { description: 'Adds two numbers', inputSchema: operands }, ({ a, b }) =>
      text(String(a + (b ?? 0))),
    );
    this.registerTool('echo', { inputSchema: z.looseObject({}) }, (args) => text(JSON.stringify(args)));
    this.registerTool('fail', {}, () => ({ isError: true, ...text('no luck') }));
    this.registerTool('hang', {}, () => new Promise(() => undefined));
    this.registerTool('headers', {}, ({ http }) => text(JSON.stringify(Object.fromEntries(http?.req.headers ?? []))));
    this.registerTool('mixed', {}, () => ({
      content: [
        { type: 'text', text: 'one' },
        { type: 'image', mimeType: 'image/png', data: 'AAAA' },
        { type: 'resource_link', uri: 'thing://linked', name: 'linked' },
        { type: 'resource', resource: { uri: 'thing://inside', text: 'inside' } },
      ],
    }));
    const output = z.object({ x: z.number() });
    this.registerTool('structured', { outputSchema: output }, () => ({ content: [], structuredContent: { x: 1 } }));
    const read = (uri: URL) => ({ contents: [{ uri: uri.href, text: 'a thing' }] });
    this.registerResource('one', 'thing://one', { description: 'The only thing' }, read);
    this.registerResource(
      'thing',
      new ResourceTemplate('thing://{id}', { list: undefined }),
      { description: 'Any thing' },
      read,
    );
    const argsSchema = z.object({ name: z.string(), tone: z.string().optional() });
    this.registerPrompt('greet', { description: 'Greets somebody', argsSchema }, () => ({ messages: [] }));
  }
}

export async function startToolServer(more: Partial<OptimizedServerConfig> = {}): Promise<ToolServer> {
  const server = createOptimizedServer(Tools, {
    name: 'tool-server',
    version: '1.2.3',
    description: 'Answers of every kind',
    http: { port: 0 },
    handleSignals: false,
    drainTimeoutMs: 0,
    ...more,
  });
  const { url = '' } = await server.start();
  return { url, stop: () => server.stop() };
}
