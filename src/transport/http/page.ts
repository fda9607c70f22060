import type { Exchange } from '../exchange.ts';

/** A request for a page, beyond its header. */
export interface PageRequest {
  readonly method: string;
  /** What follows the `?`; empty without one. */
  readonly query: string;
  /** The body of a POST, whose content type and size have been checked as those of the endpoint; otherwise empty. */
  readonly body: string;
}

/** What an HTTP endpoint serves under a path besides its own. */
export interface Page {
  /** Others are answered with 405. */
  readonly methods: readonly string[];
  /** Whether everybody's scripts may read it: then `Origin` is not checked. @default false */
  readonly isPublic?: boolean;
  serve(exchange: Exchange, request: PageRequest): void;
}

/** Pages by their paths. Looked at for each request, so that they can come and go while the endpoint listens. */
export type Pages = ReadonlyMap<string, Page>;

export const NO_PAGES: Pages = new Map();
