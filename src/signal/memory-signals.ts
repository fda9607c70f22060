/** `elevated`: memory is being freed; `shedding`: new work is refused as well. */
export type MemoryState = 'ok' | 'elevated' | 'shedding';

/** The memory guard changed its state, freed memory, or recorded what is on the heap. */
export interface MemoryEvent {
  readonly kind: 'state' | 'freed' | 'profile' | 'profile-failed';
  readonly state: MemoryState;
  /** The larger of the shares of the two limits, heap and resident memory, that are in use. */
  readonly pressure: number;
  /** Set for `profile`. */
  readonly file?: string;
  /** Set for `profile-failed`. */
  readonly error?: unknown;
}
