import { type Command, InvalidArgumentError } from 'commander';
import type { StartOptions } from '../start.ts';
import { parseSeconds } from './seconds.ts';

interface RawStartOptions {
  readonly instances?: Pick<StartOptions, 'minInstances' | 'maxInstances'>;
  readonly threads?: true;
  readonly metricsPort?: number | false;
  readonly dashboardPort?: number | false;
  readonly startTimeout?: number;
  readonly replaceAfter?: number;
}

const HELP = `
The program is one that starts a server of peregrine-mcp by itself: \`node <file>\` would run it alone. What it prints goes
through. Metrics, health checks and the dashboard of all instances together are served where the server's configuration says,
by default on ports 9090 and 3001 of this machine.

Signals:
  SIGTERM, SIGINT  finish what is in flight, and end
  SIGHUP           replace all instances, one by one, by the program as it then is

Examples:
  $ peregrine start server.ts
  $ peregrine start --instances 4 server.js -- --verbose`;

export function addStart(program: Command, action: (file: string, options: StartOptions) => Promise<void>): void {
  program
    .command('start')
    .description('Runs a server as several instances that share its port, and replaces those that fail.')
    .argument('<file>', 'the program that starts the server, JavaScript or TypeScript')
    .argument('[args...]', 'arguments for it, after --')
    .option('-i, --instances <count>', 'how many, such as 4, or within which bounds, such as 2-8', parseInstances)
    .option('--threads', 'threads rather than processes: leaner, but not as safe')
    .option('--metrics-port <port>', 'port of metrics and health checks, or off', parsePort)
    .option('--dashboard-port <port>', 'port of the dashboard, or off', parsePort)
    .option('--start-timeout <seconds>', 'longest time for an instance to start to serve (60)', parseSeconds)
    .option(
      '--replace-after <seconds>',
      'how long its event loop may stand still before it is replaced (3)',
      parseSeconds,
    )
    .addHelpText('after', HELP)
    .action(
      (
        file: string,
        args: readonly string[],
        { instances, threads, startTimeout, replaceAfter, ...ports }: RawStartOptions,
      ) =>
        action(file, {
          args,
          minInstances: instances?.minInstances,
          maxInstances: instances?.maxInstances,
          threads: threads ?? false,
          metricsPort: ports.metricsPort,
          dashboardPort: ports.dashboardPort,
          startTimeoutMs: startTimeout && startTimeout * 1_000,
          replaceAfterMs: replaceAfter && replaceAfter * 1_000,
        }),
    );
}

function parseInstances(text: string): NonNullable<RawStartOptions['instances']> {
  const [, least, most = least] = /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(text) ?? [];
  const [minInstances, maxInstances] = [Number(least), Number(most)];
  if (!(minInstances >= 1 && maxInstances >= minInstances && maxInstances <= 64))
    throw new InvalidArgumentError('It should be a number from 1 to 64, or two such as 2-8.');
  return { minInstances, maxInstances };
}

function parsePort(text: string): number | false {
  if (text === 'off') return false;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw new InvalidArgumentError('It should be a port from 0 to 65535, or off.');
  return port;
}
