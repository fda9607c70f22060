/** How much of what requests cost before still counts, each sample. */
const MEMORY = 0.9;

/** Refusals that more instances would have prevented, by the reasons of limits: a rate limit is none of them. */
export const FOR_WANT_OF_ROOM = Object.freeze(['delay', 'in-flight', 'memory'] as const);

/** What a request costs on average, the later ones counting more. */
export class MeanCost {
  #busy = 0;
  #requests = 0;

  /** Takes in a sample. @param busySeconds Of event loops, while so many requests were served. */
  add(busySeconds: number, requests: number): void {
    this.#busy = MEMORY * this.#busy + busySeconds;
    this.#requests = MEMORY * this.#requests + requests;
  }

  /** Seconds of an event loop; 0 before the first request. */
  get seconds(): number {
    return this.#requests === 0 ? 0 : this.#busy / this.#requests;
  }
}
