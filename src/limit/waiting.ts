import type { ShedClass } from '../signal/signal.ts';
import { type Linked, LinkedQueue } from './linked-queue.ts';

/** A slot that is held. */
export interface Ticket {
  /** Gives it back; calling it again does nothing. */
  release(): void;
}

/** Work that waits for a slot. */
export class Waiter implements Linked<Waiter> {
  previous: Waiter | undefined = undefined;
  next: Waiter | undefined = undefined;
  readonly lane: Lane;
  readonly shedClass: ShedClass;
  readonly since: number;
  readonly deadlineMs: number;
  readonly promise: Promise<Ticket>;
  readonly resolve: (ticket: Ticket) => void;
  readonly reject: (error: unknown) => void;
  /** Ends what watches over the wait. */
  onLeave: () => void = () => {};

  constructor(lane: Lane, shedClass: ShedClass, since: number, deadlineMs: number) {
    this.lane = lane;
    this.shedClass = shedClass;
    this.since = since;
    this.deadlineMs = deadlineMs;
    const { promise, resolve, reject } = Promise.withResolvers<Ticket>();
    this.promise = promise;
    this.resolve = resolve;
    this.reject = reject;
  }
}

/** One principal's work. */
export class Lane implements Linked<Lane> {
  previous: Lane | undefined = undefined;
  next: Lane | undefined = undefined;
  readonly principal: string;
  readonly waiting = new LinkedQueue<Waiter>();
  running = 0;
  /** Whether its turn may come. */
  inTurn = false;

  constructor(principal: string) {
    this.principal = principal;
  }
}
