import type { CancelTimer, Clock } from '../kernel/clock.ts';
import { PeregrineError } from '../kernel/errors.ts';
import type { StateCall } from '../state/state.ts';
import type { InstanceLink } from './instance-link.ts';
import type { FromInstance } from './messages.ts';

/** Longest wait for all others to have carried out an invalidation. */
const TOLD_WITHIN_MS = 5_000;
/** Messages about state that may wait to leave, should the supervisor read none. */
const MAX_UNSENT = 10_000;

interface Waiting {
  readonly settle: (answer: unknown) => void;
  readonly cancel: CancelTimer;
}

/** What an instance has the others told, and what it asks for, through the supervisor. */
export class InstancePeers {
  readonly #link: InstanceLink;
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #unsent = 0;

  constructor(link: InstanceLink, clock: Clock) {
    this.#link = link;
    this.#clock = clock;
    link.heard.on((message) => {
      if (message.kind === 'invalidated') this.#settle(message.id, message.byAll);
      else if (message.kind === 'state') this.#settle(message.id, message.result);
    });
  }

  /** Tells the others of a change. */
  publish(event: unknown): void {
    void this.#link.send({ kind: 'change', event });
  }

  /** Tells the others a message; nobody hears it while too much waits. */
  tell(channel: string, text: string): void {
    if (this.#unsent < MAX_UNSENT) void this.#sendCounted({ kind: 'message', channel, text });
  }

  /** What others tell by {@link tell}. */
  onTold(listener: (channel: string, text: string) => void): void {
    this.#link.heard.on((message) => {
      if (message.kind === 'message') listener(message.channel, message.text);
    });
  }

  /** @returns Whether all others have carried it out; false once that takes too long. */
  invalidate(invalidation: unknown): Promise<boolean> {
    return new Promise((resolve) => {
      const id = this.#wait(TOLD_WITHIN_MS, resolve as Waiting['settle'], () => resolve(false));
      void this.#link.send({ kind: 'invalidate', id, invalidation });
    });
  }

  /** Has the supervisor carry out a call of its store. @throws {PeregrineError} `NO_ANSWER` when it does not. */
  ask(call: StateCall, timeoutMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => reject(new PeregrineError('NO_ANSWER', why, { retryable: true }));
      if (this.#unsent >= MAX_UNSENT) return fail('too many messages wait for the supervisor');
      const id = this.#wait(timeoutMs, resolve, () => fail(`no answer within ${timeoutMs} ms`));
      void this.#sendCounted({ kind: 'state', id, call });
    });
  }

  async #sendCounted(message: FromInstance): Promise<void> {
    this.#unsent++;
    await this.#link.send(message);
    this.#unsent--;
  }

  /** @returns The id of the message whose answer is waited for. */
  #wait(limitMs: number, settle: Waiting['settle'], late: () => void): number {
    const id = ++this.#lastId;
    const cancel = this.#clock.after(limitMs, () => {
      this.#waiting.delete(id);
      late();
    });
    this.#waiting.set(id, { settle, cancel });
    return id;
  }

  #settle(id: number, answer: unknown): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.cancel();
    waiting?.settle(answer);
  }
}
