/** What happened in a pool of connections. */
export interface PoolEvent {
  /**
   * `opened` and `closed` are connections that came and went; `error` is a connection that could not be made or was
   * lost; `timeout` is a caller that waited too long for one.
   */
  readonly kind: 'opened' | 'closed' | 'error' | 'timeout';
  /** The pool's configured name. */
  readonly pool: string;
  /** Connections of the pool after the event. */
  readonly size: number;
  /** Why: set for `error`, and for a `closed` that nobody asked for. May name internals. */
  readonly error?: unknown;
}
