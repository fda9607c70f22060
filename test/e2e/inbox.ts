export interface ReceivedNotification {
  readonly method: string;
  readonly params?: Record<string, unknown> | undefined;
}

/** Keeps a client's notifications in their order, for tests that wait for one or count them. */
export class Inbox {
  readonly received: ReceivedNotification[] = [];
  readonly #waiting: { matches: (one: ReceivedNotification) => boolean; found: (one: ReceivedNotification) => void }[] =
    [];

  readonly deliver = async (notification: ReceivedNotification): Promise<void> => {
    this.received.push(notification);
    for (const [index, { matches, found }] of [...this.#waiting.entries()].reverse()) {
      if (!matches(notification)) continue;
      this.#waiting.splice(index, 1);
      found(notification);
    }
  };

  of(method: string): readonly ReceivedNotification[] {
    return this.received.filter((notification) => notification.method === method);
  }

  /** The first notification of that method, come or to come, whose parameters the predicate accepts. */
  next(
    method: string,
    accepts: (params: Record<string, unknown>) => boolean = () => true,
  ): Promise<ReceivedNotification> {
    const matches = (one: ReceivedNotification): boolean => one.method === method && accepts(one.params ?? {});
    const there = this.received.find(matches);
    if (there !== undefined) return Promise.resolve(there);
    return new Promise((found) => this.#waiting.push({ matches, found }));
  }
}
