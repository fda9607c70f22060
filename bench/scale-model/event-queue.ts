import type { CancelTimer, Clock } from '../../src/kernel/clock.ts';

interface Event {
  readonly at: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/** Virtual time: what is to happen, in the order in which it does. Its time stands still while something happens. */
export class EventQueue implements Clock {
  #now = 0;
  #order = 0;
  /** A binary heap, the next event first. */
  readonly #heap: Event[] = [];

  now(): number {
    return this.#now;
  }

  wallNow(): number {
    return this.#now;
  }

  after(delayMs: number, run: () => void): CancelTimer {
    const event: Event = { at: this.#now + delayMs, order: this.#order++, run };
    this.#push(event);
    return () => {
      event.run = undefined;
    };
  }

  every(periodMs: number, run: () => void): CancelTimer {
    const again = (): void => {
      cancel = this.after(periodMs, again);
      run();
    };
    let cancel = this.after(periodMs, again);
    return () => cancel();
  }

  /** Lets everything happen until a time, and stands there. */
  run(untilMs: number): void {
    for (let next = this.#heap[0]; next !== undefined && next.at <= untilMs; next = this.#heap[0]) {
      this.#shift();
      this.#now = next.at;
      next.run?.();
    }
    this.#now = untilMs;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(event, heap[above] as Event)) break;
      heap[at] = heap[above] as Event;
      at = above;
    }
    heap[at] = event;
  }

  #shift(): void {
    const heap = this.#heap;
    const last = heap.pop() as Event;
    if (heap.length === 0) return;
    let at = 0;
    for (let below = 1; below < heap.length; below = 2 * at + 1) {
      if (below + 1 < heap.length && isBefore(heap[below + 1] as Event, heap[below] as Event)) below++;
      if (!isBefore(heap[below] as Event, last)) break;
      heap[at] = heap[below] as Event;
      at = below;
    }
    heap[at] = last;
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.at === other.at ? one.order < other.order : one.at < other.at;
}
