import type { FuzzInput } from './compare.ts';

/** Whether an input still shows the fault. */
export type Fails = (input: FuzzInput) => Promise<boolean>;

const MOST_ATTEMPTS = 3_000;

/** Makes a failing input smaller for as long as it keeps failing: first how it arrives, then its bytes. */
export async function shrink(input: FuzzInput, fails: Fails): Promise<FuzzInput> {
  let attempts = 0;
  let best = input;
  const isBetter = async (candidate: FuzzInput): Promise<boolean> => {
    if (++attempts > MOST_ATTEMPTS || !(await fails(candidate))) return false;
    best = candidate;
    return true;
  };
  await isBetter({ ...best, slowReader: false });
  await isBetter({ ...best, anyHost: false });
  await isBetter({ ...best, delays: [0] });
  await isBetter({ ...best, cuts: [] });
  for (const line of new Set(best.bytes.toString('latin1').split('\r\n'))) await isBetter(withoutLine(best, line));
  for (let size = best.bytes.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < best.bytes.length; ) {
      if (!(await isBetter(without(best, at, Math.min(best.bytes.length, at + size))))) at += size;
    }
  }
  for (const cut of [...best.cuts]) await isBetter({ ...best, cuts: best.cuts.filter((other) => other !== cut) });
  return best;
}

function without(input: FuzzInput, from: number, to: number): FuzzInput {
  const { bytes, cuts } = input;
  const moved = cuts.map((cut) => (cut <= from ? cut : Math.max(from, cut - (to - from))));
  return { ...input, bytes: Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]), cuts: [...new Set(moved)] };
}

/** Without a line wherever it stands: some faults need header blocks that are alike. */
function withoutLine(input: FuzzInput, line: string): FuzzInput {
  const text = input.bytes.toString('latin1').replaceAll(`${line}\r\n`, '');
  return { ...input, cuts: input.cuts.filter((cut) => cut < text.length), bytes: Buffer.from(text, 'latin1') };
}
