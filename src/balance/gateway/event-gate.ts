/** What is held of one event at most; a longer one is passed on in parts. */
const MAX_HELD_BYTES = 65_536;
const ENDS = ['\n\n', '\r\n\r\n', '\r\r'] as const;

/** Lets whole events of an event stream through, so that one more can be added where the stream breaks off. */
export class EventGate {
  #held: Buffer | undefined;
  #isInside = false;

  /** Whether all that was let through are whole events. */
  get isBetweenEvents(): boolean {
    return !this.#isInside;
  }

  /** @returns What can be passed on now. */
  take(chunk: Buffer): Buffer | undefined {
    const bytes = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk]);
    const end = endOfEvents(bytes);
    const rest = bytes.length - end;
    if (rest > MAX_HELD_BYTES || (this.#isInside && end === 0)) {
      this.#held = undefined;
      this.#isInside = true;
      return bytes;
    }
    this.#held = rest === 0 ? undefined : Buffer.from(bytes.subarray(end));
    if (end === 0) return undefined;
    this.#isInside = false;
    return rest === 0 ? bytes : bytes.subarray(0, end);
  }

  /** @returns What is left when the stream has ended. */
  rest(): Buffer | undefined {
    const held = this.#held;
    this.#held = undefined;
    return held;
  }
}

/** Where the last whole event ends; 0 when there is none. */
function endOfEvents(bytes: Buffer): number {
  let end = 0;
  for (const mark of ENDS) {
    const at = bytes.lastIndexOf(mark);
    if (at !== -1) end = Math.max(end, at + mark.length);
  }
  return end;
}
