/** How a server, or one instance of it, did over one second; what the dashboard draws and alerts are decided by. */
export interface Vitals {
  /** End of that second: wall clock, in milliseconds since 1970. */
  readonly at: number;
  readonly requests: {
    readonly perSecond: number;
    readonly errorsPerSecond: number;
    readonly shedPerSecond: number;
    readonly inFlight: number;
    /** Share of the second's requests, 0 to 1; nothing without requests. */
    readonly errorRate: number | null;
  };
  /** Milliseconds, of this second's requests; nothing without any. */
  readonly responseTime: { readonly p50: number; readonly p95: number; readonly p99: number } | null;
  readonly cache: {
    readonly hitsPerSecond: number;
    readonly missesPerSecond: number;
    readonly stalePerSecond: number;
    readonly coalescedPerSecond: number;
    /** Share of the second's reads, 0 to 1; nothing without reads. */
    readonly hitRate: number | null;
    readonly size: number;
    readonly bytes: number;
  };
  /** Databases, `http`, and the workers `threads` and `processes`, by name. */
  readonly pools: { readonly [name: string]: PoolVitals };
  readonly eventLoop: {
    /** Share of the second that it was not idle, 0 to 1. */
    readonly utilization: number;
    /** Its longest delay, in milliseconds. */
    readonly delayMs: number;
  };
  /** Bytes; `percentage` is of what the process may use. */
  readonly memory: {
    readonly heapUsed: number;
    readonly heapTotal: number;
    readonly resident: number;
    readonly percentage: number;
  };
  /** `usage` in percent of the cores that the process may use; `load` is the machine's one-minute load average. */
  readonly cpu: { readonly usage: number; readonly load: number };
  /** Milliseconds of the second spent in garbage collection. */
  readonly gcMs: number;
  readonly disk: { readonly readBytesPerSecond: number; readonly writtenBytesPerSecond: number };
  readonly breakers: { readonly [name: string]: 'closed' | 'open' | 'half-open' };
  readonly overloaded: boolean;
  readonly custom: { readonly [name: string]: number };
}

export interface PoolVitals {
  readonly size: number;
  readonly inUse: number;
  readonly waiting: number;
  /** Share in use, 0 to 1. */
  readonly utilization: number;
  /** Mean wait for one, in milliseconds, since the start. */
  readonly waitMs: number;
}

/** One row of the table of tools: a registered tool, resource or prompt, or a method without one. */
export interface TargetRow {
  readonly method: string;
  /** The registered name; empty for methods without one. */
  readonly target: string;
  readonly total: number;
  readonly errors: number;
  readonly perSecond: number;
  /** Milliseconds, over the last minute or two; nothing without requests in that time. */
  readonly responseTime: {
    readonly average: number;
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
  } | null;
}

/** What an alert watches: the guide's keys. */
export type AlertKey = 'cpuUsage' | 'memoryUsage' | 'responseTime' | 'errorRate' | 'cacheHitRate' | 'connectionPool';

/** An alert that fires, or fired. */
export interface AlertRecord {
  /** Counts up from 1. */
  readonly id: number;
  readonly key: AlertKey;
  /** What it is about where a key has several, such as a pool's name; else empty. */
  readonly subject: string;
  /** The instance; empty for a server alone or for all. */
  readonly instance: string;
  readonly state: 'firing' | 'cleared';
  /** The value that fired it, or last seen, and its threshold, in the threshold's unit. */
  readonly value: number;
  readonly threshold: number;
  /** Wall-clock times in milliseconds since 1970. */
  readonly firedAt: number;
  readonly clearedAt: number | null;
}
