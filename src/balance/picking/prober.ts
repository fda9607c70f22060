import type { Clock } from '../../kernel/clock.ts';
import type { Random } from '../../kernel/random.ts';
import type { Member } from './member.ts';
import type { ProbeOptions } from './options.ts';

/** What probing is made of. */
export interface ProberParts {
  readonly options: Required<ProbeOptions>;
  readonly clock: Clock;
  readonly random: Random;
  readonly moved: (member: Member, isUnhealthy: boolean) => void;
}

/** Asks backends again and again whether they work. */
export class Prober {
  readonly #parts: ProberParts;
  readonly #watched = new Map<Member, Watch>();

  constructor(parts: ProberParts) {
    this.#parts = parts;
  }

  watch(member: Member): void {
    this.#watched.set(member, new Watch(member, this.#parts));
  }

  forget(member: Member): void {
    this.#watched.get(member)?.stop();
    this.#watched.delete(member);
  }
}

/** The probes of one backend. */
class Watch {
  readonly #member: Member;
  readonly #parts: ProberParts;
  /** What ends the wait or the probe that is under way. */
  #end: () => void;
  #isStopped = false;
  /** Probes that contradicted the state, in a row. */
  #contrary = 0;

  constructor(member: Member, parts: ProberParts) {
    this.#member = member;
    this.#parts = parts;
    // Not all at the same time, where many come at once.
    this.#end = this.#wait(parts.random());
  }

  stop(): void {
    this.#isStopped = true;
    this.#end();
  }

  #wait(share: number): () => void {
    const { clock, options } = this.#parts;
    return clock.after(share * options.intervalMs, () => void this.#probe());
  }

  async #probe(): Promise<void> {
    const works = await this.#check();
    if (this.#isStopped) return;
    this.#judge(works);
    if (!this.#isStopped) this.#end = this.#wait(1);
  }

  async #check(): Promise<boolean> {
    const { clock, options } = this.#parts;
    const aborting = new AbortController();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const end = (): void => {
      cancel();
      resolve(false);
      aborting.abort();
    };
    const cancel = clock.after(options.timeoutMs, end);
    this.#end = end;
    try {
      const asked = options.check(this.#member.id, aborting.signal).then(() => true);
      return await Promise.race([asked, promise]);
    } catch {
      return false;
    } finally {
      cancel();
    }
  }

  #judge(works: boolean): void {
    const { options, moved } = this.#parts;
    const { isUnhealthy } = this.#member;
    if (works !== isUnhealthy) {
      this.#contrary = 0;
      return;
    }
    this.#contrary++;
    if (this.#contrary < (works ? options.healthyAfter : options.unhealthyAfter)) return;
    this.#contrary = 0;
    moved(this.#member, !works);
  }
}
