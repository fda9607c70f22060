import { onTestFinished } from 'vitest';
import { z } from 'zod';
import {
  type AuthorizationOptions,
  createOptimizedServer,
  OptimizedMCPServer,
  type OptimizedServerConfig,
  type ServerContext,
} from '../../../src/index.ts';

/** Notes, which whoever may read them may not write yet. */
class Notes extends OptimizedMCPServer {
  protected override setup(): void {
    const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] });
    this.registerTool('whoami', {}, ({ auth }: ServerContext) => text(`${auth?.subject ?? auth?.clientId}`));
    this.registerTool('write', { scopes: ['write'] }, ({ auth }: ServerContext) => text(`written by ${auth?.subject}`));
    this.registerTool(
      'mine',
      { inputSchema: z.object({ key: z.string() }), annotations: { readOnlyHint: true }, cache: { scope: 'private' } },
      ({ key }, { auth }) => text(`${key} of ${auth?.subject}`),
    );
  }
}

/** Starts it, with what a test changes. */
export async function startNotes(
  authorization: AuthorizationOptions,
  config: Partial<OptimizedServerConfig> = {},
): Promise<{ readonly server: Notes; readonly url: URL }> {
  const server = createOptimizedServer(Notes, {
    ...{ name: 'notes', version: '1.0.0', description: 'Notes of people', http: { port: 0 }, monitor: false },
    ...{ overload: { targetMs: 10_000, windowMs: 10_000 }, handleSignals: false },
    ...config,
    authorization,
  });
  const { url } = await server.start();
  onTestFinished(() => server.stop());
  return { server, url: new URL(url as string) };
}
