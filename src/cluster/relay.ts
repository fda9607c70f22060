import { answerStateCall, type MemoryStateStore } from '../state/state.ts';
import type { Instance } from './instance.ts';
import type { FromInstance } from './messages.ts';

interface Round {
  readonly from: Instance;
  readonly id: number;
  readonly missing: Set<Instance>;
}

/** Passes on what one instance has to tell all others, and keeps what all of them share. */
export class Relay {
  readonly #others: (than: Instance) => readonly Instance[];
  readonly #state: MemoryStateStore;
  readonly #rounds = new Map<number, Round>();
  #lastRound = 0;

  constructor(others: (than: Instance) => readonly Instance[], state: MemoryStateStore) {
    this.#others = others;
    this.#state = state;
  }

  heard(message: FromInstance, from: Instance): void {
    if (message.kind === 'change' || message.kind === 'message') {
      for (const other of this.#others(from)) other.send(message);
    } else if (message.kind === 'state') {
      const answer = answerStateCall(this.#state, message.call);
      if (answer !== undefined) from.send({ kind: 'state', id: message.id, ...answer });
    } else if (message.kind === 'invalidate') this.#invalidate(message.id, message.invalidation, from);
    else if (message.kind === 'done') this.#done(message.id, from);
  }

  /** An instance that is gone has nothing left to invalidate, and waits for nobody. */
  forget(gone: Instance): void {
    for (const [id, round] of this.#rounds) {
      if (round.from === gone) this.#rounds.delete(id);
      else this.#done(id, gone);
    }
  }

  #invalidate(id: number, invalidation: unknown, from: Instance): void {
    const others = this.#others(from);
    const round = ++this.#lastRound;
    // One that starts hears of it too, for it may serve before it is known here that it does; but nobody waits for it.
    const missing = new Set(others.filter(({ stage }) => stage !== 'starting'));
    this.#rounds.set(round, { from, id, missing });
    for (const other of others) other.send({ kind: 'invalidate', id: round, invalidation });
    this.#finish(round);
  }

  #done(id: number, by: Instance): void {
    this.#rounds.get(id)?.missing.delete(by);
    this.#finish(id);
  }

  #finish(id: number): void {
    const round = this.#rounds.get(id);
    if (round === undefined || round.missing.size > 0) return;
    this.#rounds.delete(id);
    round.from.send({ kind: 'invalidated', id: round.id, byAll: true });
  }
}
