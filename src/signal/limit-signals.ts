/**
 * Why work was refused without being begun: `delay`, work before it waits too long; `in-flight`, too much is under way;
 * `queue-full`; `deadline`, it waited in a queue until it was of no use; `rate`, too many requests in a time; `memory`, there is
 * too little left.
 */
export type ShedReason = 'delay' | 'in-flight' | 'queue-full' | 'deadline' | 'rate' | 'memory';

/** What is refused first when there is too much: the first of these. */
export type ShedClass = 'list' | 'retry' | 'tool' | 'essential' | 'health';

/** Work was refused, or the server began or ceased to have more of it than it can do. */
export interface LimitEvent {
  readonly kind: 'shed' | 'overloaded' | 'recovered';
  /** Set for `shed`. */
  readonly reason?: ShedReason;
  /** Set for `shed`. */
  readonly shedClass?: ShedClass;
  /** The registered name, or the method, of what was refused; empty where there is none. */
  readonly target: string;
  /** How late work is begun, in milliseconds. */
  readonly delayMs: number;
}
