/** What happened in a pool of workers. */
export interface WorkerEvent {
  /**
   * `started` and `ended` are workers that came and were let go; `crashed` is one that ended by itself, or could not be
   * started; `timed-out` is a task that was not done in time.
   */
  readonly kind: 'started' | 'ended' | 'crashed' | 'timed-out';
  readonly pool: 'thread' | 'process';
  /** Workers of the pool after the event. */
  readonly workers: number;
  /** The name of the task that the worker was running. */
  readonly task?: string;
  /** Set for `crashed`. May name internals. */
  readonly error?: unknown;
}
