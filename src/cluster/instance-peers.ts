import type { CancelTimer, Clock } from '../kernel/clock.ts';
import type { InstanceLink } from './instance-link.ts';

/** Longest wait for all others to have carried out an invalidation. */
const TOLD_WITHIN_MS = 5_000;

interface Waiting {
  readonly resolve: (byAll: boolean) => void;
  readonly cancel: CancelTimer;
}

/** What an instance has the others told, through the supervisor. */
export class InstancePeers {
  readonly #link: InstanceLink;
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(link: InstanceLink, clock: Clock) {
    this.#link = link;
    this.#clock = clock;
    link.heard.on((message) => {
      if (message.kind === 'invalidated') this.#settle(message.id, message.byAll);
    });
  }

  /** Tells the others of a change. */
  publish(event: unknown): void {
    void this.#link.send({ kind: 'change', event });
  }

  /** @returns Whether all others have carried it out; false once that takes too long. */
  invalidate(invalidation: unknown): Promise<boolean> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      const cancel = this.#clock.after(TOLD_WITHIN_MS, () => this.#settle(id, false));
      this.#waiting.set(id, { resolve, cancel });
      void this.#link.send({ kind: 'invalidate', id, invalidation });
    });
  }

  #settle(id: number, byAll: boolean): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.cancel();
    waiting?.resolve(byAll);
  }
}
