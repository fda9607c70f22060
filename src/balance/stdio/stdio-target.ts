import { type Clock, systemClock } from '../../kernel/clock.ts';
import { type Logger, stderrLogger } from '../../kernel/logger.ts';
import { readVersion } from '../../kernel/package-version.ts';
import { type Random, systemRandom } from '../../kernel/random.ts';
import { isObject, JSON_BOUNDS, ModernResultWriter, type ServerCapabilities, wrapsOutput } from '../../wire/wire.ts';
import type { Target, TargetCall, TargetSink } from '../gateway/target.ts';
import { FrontDoor } from '../relay/front-door.ts';
import type { FrontRequest } from '../relay/front-request.ts';
import type { Description } from '../relay/peer.ts';
import { relay } from '../relay/relay.ts';
import { TargetError } from '../relay/target-error.ts';
import type { UpstreamCall } from '../upstream/upstream-call.ts';
import type { Child } from './child.ts';
import { ChildPool } from './child-pool.ts';
import { type Launch, launchProcess } from './child-process.ts';
import { resolveStdioOptions, type StdioOptions } from './stdio-options.ts';
import { TargetExchange } from './target-exchange.ts';

/** What a target needs besides its options; each has a default. */
export interface StdioTargetParts {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  /** Starts a process. */
  readonly launch?: Launch;
}

/** Open `subscriptions/listen` streams of one target. */
const MAX_SUBSCRIPTIONS = 10_000;
/** Names of tools remembered, of those whose output legacy clients see wrapped. */
const MAX_WRAPPED = 10_000;

/** A server that speaks over stdio, as a target: a warm pool of processes, and both eras whatever era they are of. */
export class StdioTarget implements Target {
  readonly name: string;
  readonly #pool: ChildPool;
  readonly #door: FrontDoor;
  readonly #clock: Clock;
  readonly #identity = { name: 'peregrine-gateway', version: readVersion() };
  readonly #descriptions = new WeakMap<Child, Description>();
  readonly #wrapped = new Set<unknown>();

  /** Starts the processes. @throws {OptionError} */
  constructor(options: StdioOptions, parts: StdioTargetParts = {}) {
    const { clock = systemClock, random = systemRandom, logger = stderrLogger, launch = launchProcess } = parts;
    const resolved = resolveStdioOptions(options);
    this.name = resolved.name;
    this.#clock = clock;
    this.#door = new FrontDoor({
      jsonBounds: JSON_BOUNDS,
      maxSubscriptions: MAX_SUBSCRIPTIONS,
      handler: {
        ready: () => undefined,
        headerMismatch: () => undefined, // Nothing is routed by a tool's arguments here.
        describe: () => this.#describe(),
        request: (front) => this.#request(front),
      },
    });
    this.#pool = new ChildPool({
      options: resolved,
      identity: this.#identity,
      clock,
      random,
      logger,
      launch,
      changed: (kind) => this.#door.changed(kind),
    });
  }

  /** The processes that run. */
  get pids(): readonly number[] {
    return this.#pool.pids;
  }

  send(call: TargetCall, sink: TargetSink): UpstreamCall {
    const exchange = new TargetExchange(call, sink, this.name, this.#clock);
    const { method, body = '' } = call;
    if (method === 'POST')
      this.#door.post(exchange, typeof body === 'string' ? body : Buffer.from(body).toString('utf8'));
    else this.#door.other(exchange);
    // Many calls share one pipe: one of them cannot be held up.
    return { pause: () => {}, resume: () => {}, abort: () => exchange.disconnect() };
  }

  async close(deadlineMs = 0): Promise<void> {
    this.#door.close();
    await this.#pool.close(deadlineMs);
  }

  #request(front: FrontRequest): void {
    let stopWaiting = (): void => {};
    front.onCancel = () => stopWaiting();
    stopWaiting = this.#pool.use(
      (child) => {
        const { writer } = this.#descriptionOf(child);
        relay(front, child, {
          identity: this.#identity,
          writer,
          wraps: this.#wrapped.has(front.params['name']),
          result: (result) => this.#learn(front, result),
        });
      },
      (failure) => front.unanswered(failure),
    );
  }

  /** Remembers which tools have an output that legacy clients see wrapped. */
  #learn({ method }: FrontRequest, result: Record<string, unknown>): Record<string, unknown> {
    if (method !== 'tools/list' || !Array.isArray(result['tools'])) return result;
    for (const tool of result['tools']) {
      if (!isObject(tool) || !isObject(tool['outputSchema'])) continue;
      if (!wrapsOutput(tool['outputSchema'])) this.#wrapped.delete(tool['name']);
      else if (this.#wrapped.size < MAX_WRAPPED) this.#wrapped.add(tool['name']);
    }
    return result;
  }

  #describe(): Promise<Description> {
    return new Promise((resolve, reject) => {
      this.#pool.use(
        (child) => resolve(this.#descriptionOf(child)),
        (failure) => reject(new TargetError(failure)),
      );
    });
  }

  #descriptionOf(child: Child): Description {
    let description = this.#descriptions.get(child);
    if (description === undefined) {
      const { serverInfo, instructions, capabilities } = child.description;
      description = {
        serverInfo,
        instructions,
        capabilities: withoutSubscribe(capabilities),
        writer: new ModernResultWriter(serverInfo),
      };
      this.#descriptions.set(child, description);
    }
    return description;
  }
}

/** Nothing is remembered of a client that could be told of single resources. */
function withoutSubscribe(capabilities: ServerCapabilities): ServerCapabilities {
  const { resources } = capabilities;
  if (resources === undefined) return capabilities;
  const { subscribe: _subscribe, ...rest } = resources;
  return { ...capabilities, resources: rest };
}
