import type { Awaitable, LogLimits, StateStore } from '../state/state.ts';

/** What an entry of a stream's log stands for: its beginning, a message, or its end, with a message or without. */
export type EventMark = 'o' | 'm' | 'e';

export interface LoggedEvent {
  readonly number: number;
  readonly mark: EventMark;
  readonly text: string;
}

/** The place of an event, as a client names it to resume after it. */
export interface EventPlace {
  readonly stream: string;
  readonly number: number;
}

const EVENT_ID = /^([A-Za-z0-9-]{1,64})_([1-9]\d{0,14})$/;

export function eventIdOf({ stream, number }: EventPlace): string {
  return `${stream}_${number}`;
}

/** Reads an event's id; nothing for what is none of ours. */
export function placeOf(eventId: string): EventPlace | undefined {
  const [, stream, number] = EVENT_ID.exec(eventId) ?? [];
  return stream === undefined ? undefined : { stream, number: Number(number) };
}

/** The logs of a session's streams: what was sent, for clients that come back. Nobody reads them by another session's id. */
export class EventLog {
  readonly #store: StateStore;
  readonly #limits: LogLimits;
  readonly #session: string;

  constructor(session: string, store: StateStore, limits: LogLimits) {
    this.#session = session;
    this.#store = store;
    this.#limits = limits;
  }

  /** The name of a stream among those of all sessions. */
  keyOf(stream: string): string {
    return `session-events:${this.#session}:${stream}`;
  }

  append(stream: string, mark: EventMark, text: string): Awaitable<number> {
    return this.#store.append(this.keyOf(stream), mark + text, this.#limits);
  }

  /** What came after an event; nothing where that event, or one since, is not kept any more. */
  async read({ stream, number }: EventPlace): Promise<readonly LoggedEvent[] | undefined> {
    const { entries, isWhole } = await this.#store.read(this.keyOf(stream), number);
    if (!isWhole) return undefined;
    return entries.map((entry) => ({
      number: entry.number,
      mark: entry.text.charAt(0) as EventMark,
      text: entry.text.slice(1),
    }));
  }

  /** Whether a stream can be resumed after an event: not after one that is not known, and nothing comes after its end. */
  async stateAfter({ stream, number }: EventPlace): Promise<'unknown' | 'over' | 'open'> {
    const [first] = (await this.read({ stream, number: number - 1 })) ?? [];
    if (first?.number === number) return first.mark === 'e' ? 'over' : 'open';
    return ((await this.read({ stream, number })) ?? []).length > 0 ? 'open' : 'unknown'; // It made room for later ones.
  }

  drop(stream: string): Awaitable<void> {
    return this.#store.drop(this.keyOf(stream));
  }
}
