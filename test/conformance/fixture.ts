import { createOptimizedServer, OptimizedMCPServer } from 'peregrine-mcp';
import { registerFixture } from './fixture-parts/register.ts';

class Fixture extends OptimizedMCPServer {
  protected override setup(): void {
    registerFixture(this);
  }
}

const server = createOptimizedServer(Fixture, {
  name: 'conformance-fixture',
  version: '1.0.0',
  description: 'What the conformance suite looks for on a server',
  sessions: process.env.SESSIONS !== 'false',
  http: { port: Number(process.env.PORT ?? 3900), host: '127.0.0.1', path: '/mcp', lane: process.env.LANE !== 'false' },
});
const { url } = await server.start();
console.log(`listening on ${url}`);
