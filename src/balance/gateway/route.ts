import type { Clock } from '../../kernel/clock.ts';
import { ResponseCache, type ResponseCacheOptions } from './response-cache.ts';
import type { Target } from './target.ts';

/** The routes by their paths. A reload brings a new map. */
export type Routes = ReadonlyMap<string, Route>;

/** What the client's side of a server needs of its configuration. */
export interface RouteOptions {
  readonly path: string;
  /** Most calls at the same time; further ones get 503. */
  readonly maxInFlight: number;
  /** Whether backends get the client's `Authorization`. */
  readonly forwardAuthorization: boolean;
  readonly cache: Required<ResponseCacheOptions> | undefined;
}

/** A call that goes on until somebody ends it. */
export interface OpenStream {
  /** Ends it in an orderly way. */
  finish(): void;
}

/** A path and the server behind it. */
export class Route {
  readonly name: string;
  readonly target: Target;
  readonly options: RouteOptions;
  readonly clock: Clock;
  readonly cache: ResponseCache | undefined;
  /** Those that began under an earlier configuration included. */
  readonly streams: Set<OpenStream>;
  inFlight = 0;
  refused = 0;
  #successor: Route | undefined;

  /** @param before The route to the same server by the configuration before, whose streams go on. */
  constructor(target: Target, options: RouteOptions, clock: Clock, before?: Route) {
    this.name = target.name;
    this.target = target;
    this.options = options;
    this.clock = clock;
    this.cache = options.cache === undefined ? undefined : new ResponseCache(options.cache, clock);
    this.streams = before?.streams ?? new Set();
    if (before !== undefined) before.#successor = this;
  }

  /** Something changed at the server: what is kept of it is stale, by later configurations too. */
  forgetAnswers(): void {
    this.cache?.clear();
    this.#successor?.forgetAnswers();
  }
}
