import { readFile } from 'node:fs/promises';
import { ConfigFile, Gateway, type GatewayConfig, type GatewayUrls } from '../balance/balance.ts';
import { systemClock } from '../kernel/clock.ts';
import { PeregrineError, toMessage } from '../kernel/errors.ts';
import { stderrLogger } from '../kernel/logger.ts';
import { onTermination } from '../kernel/process-signals.ts';
import { expose, gatewaySnapshot } from '../monitor/monitor.ts';
import { CliError } from './cli-error.ts';
import type { Output } from './output.ts';

export interface GatewayOptions {
  /** The configuration file. */
  readonly config: string;
}

/** Runs a gateway until a signal ends it; it goes on by the file whenever that changes. Never resolves once it serves. */
export async function gateway({ config: path }: GatewayOptions, output: Output): Promise<number> {
  const file = new ConfigFile({ path, parse });
  try {
    const first = await readFile(path, 'utf8');
    const startedAt = systemClock.wallNow();
    const started = new Gateway(parse(first), {
      metrics: (statistics, accept) =>
        expose(gatewaySnapshot(statistics, { at: systemClock.wallNow(), startedAt }), accept),
    });
    const urls = await started.listen();
    onTermination(() => {
      file.stop();
      return started.close();
    });
    let served = JSON.stringify(parse(first));
    const reload = (config: GatewayConfig): void => void started.reload(config);
    process.on('SIGHUP', () => void readFile(path, 'utf8').then(parse).then(reload).catch(refused));
    await file.start((config) => {
      if (JSON.stringify(config) !== served) reload(config);
      served = '';
    }, refused);
    output.out(announcement(urls));
  } catch (error) {
    throw toCliError(error, path);
  }
  return new Promise(() => {});
}

function parse(text: string): GatewayConfig {
  return JSON.parse(text) as GatewayConfig;
}

function refused(error: unknown): void {
  stderrLogger.warn({ error: toMessage(error) }, 'gateway: the new configuration is refused, the old one stays');
}

function toCliError(error: unknown, path: string): unknown {
  if (error instanceof SyntaxError) return new CliError(`${path} is not JSON: ${error.message}`, { cause: error });
  if (error instanceof PeregrineError) return new CliError(`${path}: ${error.message}`, { cause: error });
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? error : new CliError(`${path} cannot be read: ${toMessage(error)}`, { cause: error });
}

function announcement({ servers, merged, admin }: GatewayUrls): string {
  const lines = Object.entries(servers).map(([name, url]) => `${name} on ${url}\n`);
  if (merged !== undefined) lines.push(`all in one on ${merged}\n`);
  return `${lines.join('')}${admin === undefined ? '' : `admin on ${admin}\n`}`;
}
