/** Events that handlers and tests wait for in place of sleeping. An event happens once; who comes late finds it there. */
export class Rendezvous {
  readonly #events = new Map<string, PromiseWithResolvers<string>>();

  reach(event: string, value = ''): void {
    this.#of(event).resolve(value);
  }

  /** The event's value, once it has happened. */
  wait(event: string): Promise<string> {
    return this.#of(event).promise;
  }

  #of(event: string): PromiseWithResolvers<string> {
    let entry = this.#events.get(event);
    if (entry === undefined) {
      entry = Promise.withResolvers<string>();
      this.#events.set(event, entry);
    }
    return entry;
  }
}
