import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createOptimizedServer, type OptimizedServerConfig, PeregrineError } from 'peregrine-mcp';
import { CatalogueServer } from './catalogue-server.ts';
import { CatalogueError, openDatabase, Statements } from './database.ts';
import { SeedProgress } from './progress.ts';
import { CatalogueStore } from './store.ts';

const DEFAULT_DATABASE = fileURLToPath(new URL('.data/catalogue.db', import.meta.url));
const INSTRUCTIONS =
  'A shop. Find products with search_products, by category and price; read product://{id} for one product with its ' +
  'description, and catalogue://categories for the categories. get_user_cart shows the cart of one of the users 1 to 1000. ' +
  'checkout orders products for a user and cannot be undone: ask before calling it.';

/** Serves the catalogue until SIGINT or SIGTERM; sets the process's exit code. */
export async function serve(environment: NodeJS.ProcessEnv): Promise<void> {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  try {
    const http = { host: environment.HOST || '127.0.0.1', port: parsePort('PORT', environment.PORT || '3000') };
    const monitor = {
      prometheusPort: parsePort('PROMETHEUS_PORT', environment.PROMETHEUS_PORT || '9090'),
      dashboardPort: parsePort('DASHBOARD_PORT', environment.DASHBOARD_PORT || '3001'),
    };
    const redisUrl = environment.REDIS_URL || undefined;
    const store = await openStore(environment.CATALOGUE_DB || DEFAULT_DATABASE, stopping.signal);
    try {
      const cache = redisUrl && { cache: { enableRedisCache: true, redisUrl } };
      await run(store, { http, monitor, ...cache }, stopping.signal);
    } finally {
      store.close();
    }
  } catch (error) {
    if (stopping.signal.aborted && error === stopping.signal.reason) return; // stopped while it seeded
    report(error);
    process.exitCode = 1;
  }
}

type Settings = Pick<OptimizedServerConfig, 'http' | 'cache' | 'monitor'>;

async function run(store: CatalogueStore, settings: Settings, signal: AbortSignal): Promise<void> {
  class Catalogue extends CatalogueServer {
    protected override readonly store = store;
  }
  const server = createOptimizedServer(Catalogue, {
    name: 'catalogue',
    version: '1.0.0',
    description: 'A shop with 100,000 products, its customers and their carts',
    instructions: INSTRUCTIONS,
    ...settings,
    handleSignals: false, // this file does: the database is closed too
  });
  const { url } = await server.start();
  console.log(`The catalogue is served at ${url}\n`);
  console.log('Call it from another terminal:');
  console.log(`  npx peregrine call ${url} search_products '{"category":"Books"}'\n`);
  for (const { name, url: where } of server.monitor.outlets)
    if (where !== null) console.log(`The ${name}: ${where}${name === 'metrics' ? '/metrics' : ''}`);
  console.log('Ctrl-C stops it.');
  if (!signal.aborted) await once(signal, 'abort');
  await server.stop();
}

async function openStore(path: string, signal: AbortSignal): Promise<CatalogueStore> {
  const progress = new SeedProgress();
  try {
    const { db } = await openDatabase(path, (done, total) => progress.update(done, total), signal);
    return new CatalogueStore(new Statements(db));
  } finally {
    progress.stop();
  }
}

function parsePort(name: string, text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw new CatalogueError(`${name} must be a whole number from 0 to 65535, not "${text}"`);
  return port;
}

/** One line for what the user can put right; the whole story of anything else. */
function report(error: unknown): void {
  const message =
    error instanceof PeregrineError || error instanceof CatalogueError ? `peregrine: ${error.message}` : error;
  console.error(message);
}
