/** A server that tells of changes and shows its state; its arguments are a `stateStore` and a prefix of keys, or nothing. */
import { createOptimizedServer, OptimizedMCPServer } from '../../src/index.ts';
import { RedisStateStore, SqliteStateStore, type StateStore, SupervisorStateStore } from '../../src/state/state.ts';

const text = (value: unknown) => ({ content: [{ type: 'text' as const, text: JSON.stringify(value) }] });
const LIMITS = { ttlMs: 600_000, maxEntries: 10_000, maxLength: 1_000_000 };

// Authors do not see the store, so it is caught when the server opens it.
let store: StateStore | undefined;
for (const { prototype } of [RedisStateStore, SqliteStateStore, SupervisorStateStore]) {
  const { open } = prototype;
  prototype.open = function (this: StateStore) {
    store = this;
    return Reflect.apply(open, this, []);
  };
}

class Program extends OptimizedMCPServer {
  protected override setup(): void {
    this.registerTool('who', {}, () => text(process.pid));
    this.registerTool('touch', {}, () => {
      this.sendToolListChanged();
      return text(process.pid);
    });
    this.registerTool('update', {}, () => {
      this.sendResourceUpdated({ uri: 'test://mark' });
      return text(process.pid);
    });
    this.registerResource('mark', 'test://mark', {}, () => ({ contents: [] }));
    this.registerTool('append', {}, async () => text([await store?.append('log', 'text', LIMITS), store?.kind]));
    this.registerTool('read', {}, async () => text(await store?.read('log', 0)));
  }
}

const [url, keyPrefix] = process.argv.slice(2);
const server = createOptimizedServer(Program, {
  ...{ name: 'state', version: '1.0.0', description: 'For tests of state' },
  http: { port: 0 },
  sessions: true,
  monitor: { prometheusPort: 0, dashboardPort: false },
  ...(url === undefined ? {} : { stateStore: keyPrefix === undefined ? url : { url, keyPrefix } }),
});
console.log(`serves at ${(await server.start()).url}`);
