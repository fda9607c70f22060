/** Where a replica is reached. */
export interface Endpoint {
  /** Its name in statistics and sessions: the same as long as it is the same replica, such as `10.0.0.7:3000`. */
  readonly id: string;
  /** The MCP endpoint, such as `http://10.0.0.7:3000/mcp`. */
  readonly url: string;
  /** @default 1 */
  readonly weight?: number;
  /** It finishes what it has and takes nothing new. @default false */
  readonly draining?: boolean;
  /** The name to send as Host, and to check certificates by, where `url` has an address. @default that of `url` */
  readonly host?: string;
}

/** Knows the replicas of a server, and tells when they change. */
export interface EndpointSource {
  /**
   * Begins; `changed` gets the whole list each time, the first time before the promise resolves. An error later on is told by
   * `failed`, and the list before stays.
   *
   * @throws {PeregrineError} when there is no first list to be had.
   */
  start(changed: (endpoints: readonly Endpoint[]) => void, failed: (error: unknown) => void): Promise<void>;
  stop(): void;
}
