/** The registration API that the fixture uses, from one place: its names and shapes are those of the official SDK. */
import type { OptimizedMCPServer, ServerContext } from 'peregrine-mcp';

export { acceptedContent, completable, inputRequired, inputResponse, ResourceTemplate } from 'peregrine-mcp';

export type FixtureServer = Pick<OptimizedMCPServer, 'registerPrompt' | 'registerResource' | 'registerTool'>;
export type FixtureContext = ServerContext;
