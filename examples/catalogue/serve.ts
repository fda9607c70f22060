import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createOptimizedServer, type OptimizedServerConfig } from 'peregrine-mcp';
import { CatalogueServer } from './catalogue-server.ts';
import { CatalogueError, report, toCatalogueError } from './problems.ts';
import { SeedProgress } from './progress.ts';
import { seedCatalogue } from './seed.ts';

const DEFAULT_DATABASE = `sqlite:${fileURLToPath(new URL('.data/catalogue.db', import.meta.url))}`;
/** While another process seeds the same SQLite file, this one waits. */
const SEEDING_MS = 60_000;
const INSTRUCTIONS =
  'A shop. Find products with search_products, by category and price; read product://{id} for one product with its ' +
  'description, and catalogue://categories for the categories. get_user_cart shows the cart of one of the users 1 to 1000. ' +
  'checkout orders products for a user and cannot be undone: ask before calling it.';

/** Serves the catalogue until SIGINT or SIGTERM; sets the process's exit code. */
export async function serve(environment: NodeJS.ProcessEnv): Promise<void> {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  const databaseUrl = environment.DATABASE_URL || DEFAULT_DATABASE;
  try {
    const http = { host: environment.HOST || '127.0.0.1', port: parsePort('PORT', environment.PORT || '3000') };
    const monitor = {
      prometheusPort: parsePort('PROMETHEUS_PORT', environment.PROMETHEUS_PORT || '9090'),
      dashboardPort: parsePort('DASHBOARD_PORT', environment.DASHBOARD_PORT || '3001'),
    };
    const redisUrl = environment.REDIS_URL || undefined;
    const cache = redisUrl && { cache: { enableRedisCache: true, redisUrl } };
    await run(databaseUrl, { http, monitor, ...cache }, stopping.signal);
  } catch (error) {
    if (stopping.signal.aborted) return; // stopped while it seeded
    report(error);
    process.exitCode = 1;
  }
}

type Settings = Pick<OptimizedServerConfig, 'http' | 'cache' | 'monitor'>;

async function run(databaseUrl: string, settings: Settings, signal: AbortSignal): Promise<void> {
  class Catalogue extends CatalogueServer {
    protected override async setup(): Promise<void> {
      const progress = new SeedProgress();
      try {
        makeFolderOf(databaseUrl);
        await seedCatalogue(this.database(), (done, total) => progress.update(done, total), signal);
      } catch (error) {
        throw toCatalogueError(error, databaseUrl);
      } finally {
        progress.stop();
      }
      await super.setup();
    }
  }
  const server = createOptimizedServer(Catalogue, {
    name: 'catalogue',
    version: '1.0.0',
    description: 'A shop with 100,000 products, its customers and their carts',
    instructions: INSTRUCTIONS,
    database: { url: databaseUrl, busyTimeoutMs: SEEDING_MS },
    ...settings,
    handleSignals: false, // this file does: they stop the seeding too
  });
  try {
    const { url } = await server.start();
    console.log(`The catalogue is served at ${url}\n`);
    console.log('Call it from another terminal:');
    console.log(`  npx peregrine call ${url} search_products '{"category":"Books"}'\n`);
    for (const { name, url: where } of server.monitor.outlets)
      if (where !== null) console.log(`The ${name}: ${where}${name === 'metrics' ? '/metrics' : ''}`);
    console.log('Ctrl-C stops it.');
    if (!signal.aborted) await once(signal, 'abort');
  } finally {
    await server.stop();
  }
}

function makeFolderOf(databaseUrl: string): void {
  const [, file = ':memory:'] = /^sqlite:(.*)$/s.exec(databaseUrl) ?? [];
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true });
}

function parsePort(name: string, text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw new CatalogueError(`${name} must be a whole number from 0 to 65535, not "${text}"`);
  return port;
}
