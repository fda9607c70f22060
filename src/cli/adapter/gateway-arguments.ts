import type { Command } from 'commander';
import type { GatewayOptions } from '../gateway.ts';

export function addGateway(program: Command, action: (options: GatewayOptions) => Promise<void>): void {
  program
    .command('gateway')
    .description('Balances over the replicas of MCP servers.')
    .requiredOption('-c, --config <file>', 'what it does, as JSON; read again when it changes, and on SIGHUP')
    .addHelpText(
      'after',
      `
SIGTERM and SIGINT let calls finish first; a second one does not.

Example of a file:
  { "servers": { "catalogue": { "endpoints": ["http://10.0.0.7:3000/mcp", "http://10.0.0.8:3000/mcp"] } } }`,
    )
    .action(action);
}
