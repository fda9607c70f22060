import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MergedEndpoint, type MergedEndpointOptions, StdioTarget, type Target } from '../../src/balance/balance.ts';
import { FetchTarget } from './fetch-target.ts';
import { commandOf, FOREIGN, type ForeignKind, type ForeignServer, startForeign } from './foreign/foreign.ts';
import { type Served, serve } from './serve.ts';

/** One server behind the merged endpoint of the stage. */
export interface Behind {
  readonly prefix: string;
  readonly kind: ForeignKind;
  readonly carrier: 'http' | 'stdio';
}

export const BEHIND: readonly Behind[] = FOREIGN.flatMap((kind) =>
  (['http', 'stdio'] as const).map((carrier) => ({ prefix: `${kind.name}-${carrier}`, kind, carrier })),
);

export interface Stage extends Served {
  readonly endpoint: MergedEndpoint;
  readonly servers: ReadonlyMap<string, ForeignServer>;
  readonly targets: ReadonlyMap<string, Target>;
  readonly folder: string;
}

/** A merged endpoint in front of servers of all other makers, over HTTP and over stdio. */
export async function startStage(
  behind: readonly Behind[] = BEHIND,
  options: Partial<MergedEndpointOptions> = {},
): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'peregrine-merge-'));
  const servers = new Map<string, ForeignServer>();
  const targets = new Map<string, Target>();
  await Promise.all(
    behind.map(async ({ prefix, kind, carrier }) => {
      if (carrier === 'stdio') {
        targets.set(prefix, new StdioTarget({ name: prefix, ...commandOf(kind.name, 'stdio') }, { logger: QUIET }));
        return;
      }
      const server = await startForeign(kind.name);
      servers.set(prefix, server);
      targets.set(prefix, new FetchTarget(prefix, server.url));
    }),
  );
  const endpoint = new MergedEndpoint({
    name: 'merged',
    version: '1.0.0',
    servers: behind.map(({ prefix }) => ({ prefix, target: targets.get(prefix) as Target })),
    logger: false,
    ...options,
  });
  await endpoint.open();
  const served = await serve(endpoint);
  return {
    ...served,
    endpoint,
    servers,
    targets,
    folder,
    stop: async () => {
      await Promise.all([served.stop(), endpoint.close()]);
      await Promise.all([...servers.values()].map((server) => server.stop()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const QUIET = { info: () => {}, warn: () => {} };
