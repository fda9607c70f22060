/** Something that is told, and can be awaited. */
export class Told<T> {
  readonly all: T[] = [];
  readonly #waiting = new Set<() => void>();

  readonly tell = (value: T): void => {
    this.all.push(value);
    for (const wake of this.#waiting) wake();
  };

  /** Waits until something that was told, before or later, is as wanted. */
  async until(isWanted: (value: T) => boolean): Promise<T> {
    for (;;) {
      const found = this.all.find(isWanted);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }
}
