/**
 * Holds the lane to `node:http`: both endpoints get the same bytes, and have to make the same of them.
 *
 * PEREGRINE_FUZZ_INPUTS sets the number of inputs (100,000 unless given), PEREGRINE_FUZZ_SEED the first input's seed, so
 * that `PEREGRINE_FUZZ_INPUTS=1 PEREGRINE_FUZZ_SEED=<seed>` repeats the one input that a failure names. The inputs are
 * the same in every run; to search on, give another seed.
 */
import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compareAll, type Difference, type FuzzInput, type Verdict } from './compare.ts';
import { escapeBytes } from './escape.ts';
import { generateInput } from './generate.ts';
import { MUTATIONS } from './mutations.ts';
import { Runner } from './runner.ts';
import { shrink } from './shrink.ts';

const INPUTS = Number(process.env.PEREGRINE_FUZZ_INPUTS ?? 100_000);
const FIRST_SEED = Number(process.env.PEREGRINE_FUZZ_SEED ?? 1);
const BATCH = 1_000;
/** Time for an input, with room for a slow machine that does other things too. */
const MS_EACH = 5;

const runner = new Runner();
const { stackTraceLimit } = Error;
beforeAll(() => {
  Error.stackTraceLimit = 0; // Broken inputs make Node construct tens of thousands of errors that nobody reads.
});
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

async function differenceOf(input: FuzzInput): Promise<Difference | undefined> {
  return (await compareAll(runner, [input]))[0]?.difference;
}

async function report(seed: number, input: FuzzInput): Promise<string> {
  const smallest = await shrink(input, async (candidate) => (await differenceOf(candidate)) !== undefined);
  const { why, lane, node } = (await differenceOf(smallest)) as Difference;
  const { bytes, ...arriving } = smallest;
  return [
    `seed ${seed}: ${why}`,
    `smallest such input: ${escapeBytes(bytes)}`,
    `arriving: ${JSON.stringify(arriving)}`,
    `with the lane: ${inspect(lane, { depth: 9 })}`,
    `without it: ${inspect(node, { depth: 9 })}`,
  ].join('\n');
}

/** What the search has met, to see that it searches where it should. */
class Coverage {
  laneRequests = 0;
  handOvers = 0;
  /** Connections on which the lane served a request before it gave the connection away. */
  lateHandOvers = 0;
  readonly statuses = new Set<number>();

  add({ laneRequests, handedOver, statuses }: Verdict): void {
    this.laneRequests += laneRequests;
    if (handedOver) this.handOvers++;
    if (handedOver && laneRequests > 0) this.lateHandOvers++;
    for (const status of statuses) this.statuses.add(status);
  }
}

it(
  `accepts nothing that node:http reads differently, in ${INPUTS} inputs`,
  async () => {
    const coverage = new Coverage();
    for (let done = 0; done < INPUTS; done += BATCH) {
      const count = Math.min(BATCH, INPUTS - done);
      const inputs = Array.from({ length: count }, (_, index) => generateInput(FIRST_SEED + done + index));
      for (const [index, verdict] of (await compareAll(runner, inputs)).entries()) {
        if (verdict.difference !== undefined) {
          expect.fail(await report(FIRST_SEED + done + index, inputs[index] as FuzzInput));
        }
        coverage.add(verdict);
      }
    }
    if (INPUTS < 10_000) return;
    expect(coverage.laneRequests).toBeGreaterThan(INPUTS / 3);
    expect(coverage.handOvers).toBeGreaterThan(INPUTS / 4);
    expect(coverage.lateHandOvers).toBeGreaterThan(INPUTS / 20);
    expect([...coverage.statuses]).toEqual(
      expect.arrayContaining([100, 200, 202, 400, 403, 404, 405, 413, 415, 417, 431]),
    );
  },
  60_000 + INPUTS * MS_EACH,
);

it('shrinks a failing input to what makes it fail', async () => {
  const bytes = Buffer.from('POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}');
  const input = { bytes, cuts: [3, 9, 30], delays: [1, 2], slowReader: true, anyHost: true };
  const smallest = await shrink(
    input,
    async (candidate) => candidate.bytes.includes('Host') && candidate.delays[0] === 1,
  );
  expect(smallest).toEqual({ bytes: Buffer.from('Host'), cuts: [], delays: [1, 2], slowReader: false, anyHost: false });
});

it('generates the same inputs for the same seeds', () => {
  expect(generateInput(42)).toEqual(generateInput(42));
  const texts = Array.from({ length: 50 }, (_, seed) => generateInput(seed).bytes.toString('latin1'));
  expect(new Set(texts).size).toBeGreaterThan(45);
  expect(Object.keys(MUTATIONS).length).toBeGreaterThan(30);
});
