/** So many calls of the store wait at once: those that somebody waits for get through between them. */
const AT_ONCE = 64;

/** Does what nobody waits for, for one after the other. The work itself says what becomes of its errors. */
export async function littleByLittle<T>(all: Iterable<T>, work: (one: T) => Promise<void>): Promise<void> {
  const left = all[Symbol.iterator]();
  const goOn = async (): Promise<void> => {
    for (let next = left.next(); next.done !== true; next = left.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, goOn));
}
