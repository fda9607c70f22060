/** The registration API that the fixture uses, from one place: it is the same in this package and in the official SDK. */
import type { McpServer, ServerContext } from '@modelcontextprotocol/server';

export { acceptedContent, completable, inputRequired, inputResponse, ResourceTemplate } from '@modelcontextprotocol/server';

export type FixtureServer = Pick<McpServer, 'registerPrompt' | 'registerResource' | 'registerTool'>;
export type FixtureContext = ServerContext;
