import { readFileSync } from 'node:fs';
import { type Clock, systemClock } from '../../kernel/clock.ts';
import { PeregrineError, toMessage } from '../../kernel/errors.ts';
import { type Logger, stderrLogger } from '../../kernel/logger.ts';
import { type Random, systemRandom } from '../../kernel/random.ts';
import { createEngineSignals } from '../../signal/signal.ts';
import { HttpEndpoint, type Page } from '../../transport/transport.ts';
import { RESOURCE_METADATA_PATH } from '../../wire/wire.ts';
import type { MergedEndpoint } from '../merge/merged-endpoint.ts';
import { GatewayAcceptor } from './acceptor.ts';
import { AdminServer, type ExposedMetrics } from './admin-server.ts';
import { type GatewayConfig, type ResolvedGateway, resolveGateway } from './gateway-options.ts';
import { GatewayServer, type GatewayServerStatistics } from './gateway-server.ts';
import { SessionIds } from './session-ids.ts';
import type { Target } from './target.ts';

/** What a gateway takes from outside. */
export interface GatewayParts {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  /** Writes what the gateway counts for `GET /metrics` of the admin's port. @default none are served */
  readonly metrics?: (statistics: GatewayStatistics, accept: string | undefined) => ExposedMetrics;
}

/** Where a gateway is reached. */
export interface GatewayUrls {
  readonly servers: { readonly [name: string]: string };
  /** The endpoint that merges servers. */
  readonly merged: string | undefined;
  readonly admin: string | undefined;
}

export interface GatewayStatistics {
  readonly isReady: boolean;
  /** Open connections of clients. */
  readonly connections: number;
  readonly servers: { readonly [name: string]: GatewayServerStatistics };
}

type Servers = ReadonlyMap<string, GatewayServer>;

/** Stands before servers of which there are several replicas, and looks to clients like one of each. */
export class Gateway {
  readonly #parts: Required<Omit<GatewayParts, 'metrics'>>;
  readonly #acceptor: GatewayAcceptor;
  readonly #endpoint: HttpEndpoint;
  readonly #pages = new Map<string, Page>();
  readonly #admin: AdminServer | undefined;
  /** What is not configured any more and finishes what it has, and what makes it end at once. */
  readonly #retiring = new Map<Promise<void>, () => unknown>();
  #config: ResolvedGateway;
  #servers: Servers = new Map();
  #merged: MergedEndpoint | undefined;
  /** The reload that goes on: they come one after the other. */
  #reloading: Promise<unknown> = Promise.resolve();
  #isReady = false;
  #isClosed = false;

  /** @throws {OptionError} naming the key that is unknown or not valid. */
  constructor(config: GatewayConfig, parts: GatewayParts = {}) {
    const { clock = systemClock, random = systemRandom, logger = stderrLogger, metrics } = parts;
    this.#parts = { clock, random, logger };
    this.#config = resolveGateway(config, clock);
    const { sessionSecret, limits, admin } = this.#config;
    const signals = createEngineSignals();
    signals.fault.on(({ where, error }) => logger.warn({ where, error: toMessage(error) }, 'gateway: a fault'));
    this.#acceptor = new GatewayAcceptor(new SessionIds(sessionSecret));
    const options = toHttpOptions(this.#config);
    this.#endpoint = new HttpEndpoint({
      acceptor: this.#acceptor,
      options,
      limits,
      clock,
      signals,
      pages: this.#pages,
    });
    this.#admin =
      admin &&
      new AdminServer(admin, {
        isReady: () => this.#isReady,
        statistics: () => this.getStatistics(),
        metrics: metrics && ((accept) => metrics(this.getStatistics(), accept)),
      });
  }

  /**
   * Learns the replicas of all servers and starts to listen.
   *
   * @throws {PeregrineError} when that cannot be done; nothing is left over then.
   */
  async listen(): Promise<GatewayUrls> {
    try {
      await this.#apply(this.#config);
      const url = await this.#endpoint.listen();
      const adminUrl = await this.#admin?.listen();
      this.#isReady = true;
      return { ...this.#urls(url), admin: adminUrl };
    } catch (error) {
      await this.close(0);
      throw error;
    }
  }

  /**
   * Goes on by another configuration. No call is lost: what stays keeps its connections, what goes finishes what it has. One
   * that is not valid, or whose replicas cannot be learned, is refused, and everything stays as it is.
   *
   * @returns Whether it was taken.
   */
  reload(config: unknown): Promise<boolean> {
    const done = this.#reloading.then(() => this.#reload(config));
    this.#reloading = done;
    return done;
  }

  getStatistics(): GatewayStatistics {
    return {
      isReady: this.#isReady,
      connections: this.#endpoint.open,
      servers: Object.fromEntries(Array.from(this.#servers, ([name, server]) => [name, server.statistics()])),
    };
  }

  /** Lets calls finish, up to a deadline, ends streams, and closes everything. @default that of the configuration */
  async close(deadlineMs: number = this.#config.drain.deadlineMs): Promise<void> {
    const { delayMs } = this.#config.drain;
    const wasReady = this.#isReady;
    this.#isReady = false;
    this.#isClosed = true;
    if (wasReady && deadlineMs > 0 && delayMs > 0)
      await new Promise<void>((resolve) => void this.#parts.clock.after(delayMs, resolve));
    this.#endpoint.drain();
    for (const server of this.#servers.values()) server.endStreams();
    this.#merged?.drain();
    await this.#endpoint.close(deadlineMs);
    await this.#merged?.close(0);
    await Promise.all(Array.from(this.#servers.values(), (server) => server.retire(undefined, 0)));
    for (const hurry of this.#retiring.values()) hurry();
    await Promise.all(this.#retiring.keys());
    await this.#admin?.close();
  }

  async #reload(config: unknown): Promise<boolean> {
    const { logger, clock } = this.#parts;
    try {
      const resolved = resolveGateway(config, clock);
      if (!this.#isReady) throw closedError();
      await this.#apply(resolved);
      const later = KEPT_KEYS.filter((key) => JSON.stringify(resolved[key]) !== JSON.stringify(this.#config[key]));
      if (later.length > 0) logger.warn({ keys: later }, 'gateway: these take effect when it starts the next time');
      const { drain, servers, merge } = resolved;
      this.#config = { ...this.#config, drain, servers, merge };
      logger.info({ servers: [...servers.keys()] }, 'gateway: goes on by the new configuration');
      return true;
    } catch (error) {
      logger.warn({ error: toMessage(error) }, 'gateway: the new configuration is refused, the old one stays');
      return false;
    }
  }

  /** Prepares all servers first, so that either all are served as configured or nothing changes. */
  async #apply({ servers, merge }: ResolvedGateway): Promise<void> {
    const before = this.#servers;
    const preparing = Array.from(servers.values(), (server) =>
      GatewayServer.prepare(server, before.get(server.name), this.#parts),
    );
    const results = await Promise.allSettled(preparing);
    const failed = results.find((result) => result.status === 'rejected');
    const prepared = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    if (failed !== undefined || this.#isClosed) {
      for (const one of prepared) one.abandon();
      throw failed === undefined ? closedError() : failed.reason;
    }
    const after = new Map(prepared.map((one) => one.commit()).map((server) => [server.name, server]));
    this.#servers = after;
    this.#mergeBy(merge, before);
    const routes = Array.from(after.values()).flatMap(({ route }) => (route === undefined ? [] : [route]));
    const merged = merge && this.#merged && { path: merge.path, acceptor: this.#merged };
    this.#acceptor.route(new Map(routes.map((route) => [route.options.path, route])), merged);
    this.#endpoint.serve([
      ...routes.map(({ options }) => options.path),
      ...(merged === undefined ? [] : [merged.path]),
    ]);
    this.#pages.clear();
    for (const route of routes)
      this.#pages.set(RESOURCE_METADATA_PATH + route.options.path, this.#acceptor.metadataPage(route));
    for (const [name, server] of before) {
      this.#retire(server.retire(after.get(name), RETIRE_MS), () => server.retire(undefined, 0));
    }
  }

  /** Makes the merged endpoint, unless the one that is there means the same and its servers are the same. */
  #mergeBy(merge: ResolvedGateway['merge'], before: Servers): void {
    const targetOf = (servers: Servers) => (name: string) => servers.get(name)?.backing.target as Target;
    const [now, then] = [targetOf(this.#servers), targetOf(before)];
    const isSame = merge?.fingerprint === this.#config.merge?.fingerprint;
    if (isSame && this.#merged !== undefined && merge?.servers.every((name) => now(name) === then(name))) return;
    const old = this.#merged;
    this.#merged = merge?.create(now, this.#parts);
    void this.#merged?.open();
    if (old === undefined) return;
    old.drain(); // Its streams begin anew at the new one; other calls may take their time.
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#parts.clock.after(RETIRE_MS, resolve);
    const close = async (): Promise<void> => {
      await promise;
      cancel();
      await old.close(0);
    };
    this.#retire(close(), resolve);
  }

  #retire(work: Promise<void>, hurry: () => unknown): void {
    const retiring = work.finally(() => this.#retiring.delete(retiring));
    this.#retiring.set(retiring, hurry);
  }

  #urls(url: string): Omit<GatewayUrls, 'admin'> {
    const at = (path: string): string => new URL(path, url).href;
    const { merge } = this.#config;
    const servers = Array.from(this.#servers.values()).flatMap(({ name, route }) =>
      route === undefined ? [] : [[name, at(route.options.path)] as const],
    );
    return { servers: Object.fromEntries(servers), merged: merge && at(merge.path) };
  }
}

/** How long what is not configured any more may finish what it has, in milliseconds. */
const RETIRE_MS = 30_000;
/** What is decided when the gateway starts. */
const KEPT_KEYS = ['listen', 'tls', 'limits', 'sessionSecret', 'admin'] as const;

function closedError(): PeregrineError {
  return new PeregrineError('GATEWAY_CLOSED', 'the gateway does not serve');
}

function toHttpOptions({ listen, tls }: ResolvedGateway): ResolvedGateway['listen'] {
  if (tls === undefined) return listen;
  return { ...listen, tls: { cert: readKey('certFile', tls.certFile), key: readKey('keyFile', tls.keyFile) } };
}

function readKey(name: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new PeregrineError('LISTEN_FAILED', `listen.tls.${name}: ${toMessage(cause)}`, { cause });
  }
}
