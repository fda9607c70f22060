import type { CancelTimer, Clock } from '../../kernel/clock.ts';
import type { Member } from './member.ts';
import type { EjectionOptions } from './options.ts';

/** Longer than so many times the first time nobody is out, and after as long without an ejection the earlier ones are forgotten. */
const MOST_TIMES = 10;

interface Record {
  failuresInRow: number;
  ejections: number;
  /** When the last one ended. */
  endedAt: number;
  cancel: CancelTimer | undefined;
}

/** What ejections are made of. */
export interface EjectionParts {
  readonly options: Required<EjectionOptions>;
  readonly clock: Clock;
  /** Whether one more may be out. */
  readonly hasRoom: (maxShare: number) => boolean;
  readonly moved: (member: Member, isEjected: boolean) => void;
}

/** Takes backends out whose calls fail, and lets them come back: what real calls show, beside what probes do. */
export class Ejection {
  readonly #parts: EjectionParts;
  readonly #records = new Map<Member, Record>();

  constructor(parts: EjectionParts) {
    this.#parts = parts;
  }

  /** Hears of every call that tells something. */
  settled(member: Member, isFailure: boolean): void {
    const known = this.#records.get(member);
    if (!isFailure) {
      if (known !== undefined) known.failuresInRow = 0;
      return;
    }
    const record = known ?? { failuresInRow: 0, ejections: 0, endedAt: 0, cancel: undefined };
    if (known === undefined) this.#records.set(member, record);
    record.failuresInRow++;
    const { options, hasRoom } = this.#parts;
    const isOut = record.cancel !== undefined;
    if (!isOut && record.failuresInRow >= options.failures && hasRoom(options.maxShare)) this.#eject(member, record);
  }

  forget(member: Member): void {
    this.#records.get(member)?.cancel?.();
    this.#records.delete(member);
  }

  #eject(member: Member, record: Record): void {
    const { clock, options, moved } = this.#parts;
    if (clock.now() - record.endedAt > MOST_TIMES * options.baseMs) record.ejections = 0;
    record.ejections++;
    record.cancel = clock.after(options.baseMs * Math.min(MOST_TIMES, record.ejections), () => {
      record.cancel = undefined;
      record.failuresInRow = 0;
      record.endedAt = clock.now();
      moved(member, false);
    });
    moved(member, true);
  }
}
