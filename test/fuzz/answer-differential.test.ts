/**
 * Holds the upstream's reader of answers to Node's own client: what ours takes, Node takes too, and reads the same. Where the two
 * differ on where an answer ends, one client's answer could become another's.
 */
import { expect, it } from 'vitest';
import { type AnswerLog, openReader, type ReadAnswer } from '../balance/answers.ts';
import { type AnswerInput, changed, generateAnswer } from './answer-grammar.ts';
import { escapeBytes } from './escape.ts';
import { readByNode } from './node-client.ts';
import { Random } from './random.ts';

const INPUTS = 30_000;
const FIRST_SEED = 7_000_001;
const AT_ONCE = 64;

const isTaken = (log: AnswerLog): boolean => log.last?.reusable !== undefined;

function piecesOf(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const edges = [0, ...cuts.filter((cut) => cut < bytes.length), bytes.length];
  return edges
    .slice(1)
    .map((edge, index) => bytes.subarray(edges[index], edge))
    .filter(({ length }) => length > 0);
}

/** @returns What was read, and with how many pieces. */
function read(pieces: readonly Buffer[], ends: boolean): { log: AnswerLog; used: number } {
  const { reader, log } = openReader();
  let used = 0;
  for (const piece of pieces) {
    if (isTaken(log) || log.wrong !== undefined) break;
    reader.read(piece);
    used++;
  }
  if (ends && !isTaken(log) && log.wrong === undefined) reader.finish();
  return { log, used };
}

const summary = ({ status, headers, body }: ReadAnswer): unknown => [
  status,
  [...headers.entries()],
  body.toString('latin1'),
];

/** Node's fields, merged as ours are. */
function mergedOf(fields: readonly (readonly [string, string])[]): [string, string][] {
  const merged: [string, string][] = [];
  for (const [name, value] of fields) {
    const before = merged.findLast(([known]) => known === name);
    if (before === undefined) merged.push([name, value]);
    else if (name === 'set-cookie') merged.splice(merged.indexOf(before) + 1, 0, [name, value]);
    else before[1] += `, ${value}`;
  }
  return merged;
}

/** @returns Whether our reader takes the answer. */
async function compare({ bytes, cuts, ends, body }: AnswerInput): Promise<boolean> {
  const { log } = read(piecesOf(bytes, cuts), ends);
  const slow = read(
    Array.from(bytes, (byte) => Buffer.of(byte)),
    ends,
  );
  expect([isTaken(log), log.wrong !== undefined]).toEqual([isTaken(slow.log), slow.log.wrong !== undefined]);
  if (body !== undefined) expect([isTaken(log), log.last?.body]).toEqual([true, body]);
  if (!isTaken(log)) return false;
  expect(summary(log.last)).toEqual(summary(slow.log.last));
  // What comes after the answer is none of its business, but Node's client would take that amiss.
  const node = await readByNode(piecesOf(bytes.subarray(0, slow.used), cuts), ends);
  expect(node === undefined ? undefined : [node.status, mergedOf(node.fields), node.body.toString('latin1')]).toEqual(
    summary(log.last),
  );
  if (slow.log.last.reusable) expect(node?.keepsAlive).toBe(true);
  return true;
}

it('reads what it takes as the client of Node.js does, however it is cut', async () => {
  let seed = FIRST_SEED;
  let taken = 0;
  const worker = async (): Promise<void> => {
    while (seed < FIRST_SEED + INPUTS) {
      const current = seed++;
      const input = generateAnswer(new Random(current));
      try {
        if (await compare(input)) taken++;
      } catch (error) {
        throw new Error(`seed ${current}: ${escapeBytes(input.bytes)} ends: ${input.ends}`, { cause: error });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  expect(taken).toBeGreaterThan(INPUTS / 2);
  expect(INPUTS - taken).toBeGreaterThan(INPUTS / 10);
});

/** Everything that a log has of its last answer. */
const outcome = (log: AnswerLog): unknown => [
  log.answers.slice(-1).map((answer) => [summary(answer), answer.reusable]),
  log.wrong,
];

it('reads an answer as it would by itself when one like it came before', () => {
  let repeated = 0;
  for (let seed = FIRST_SEED; seed < FIRST_SEED + INPUTS; seed++) {
    const random = new Random(seed);
    const { bytes, cuts } = generateAnswer(random);
    const { reader, log } = openReader();
    reader.read(bytes);
    if (log.answers.length === 0 || !log.last.reusable) continue;
    const next = random.oneIn(3) ? bytes : changed(random, Buffer.from(bytes));
    const expected = read(piecesOf(next, cuts), false).log;
    log.answers.length = 0;
    reader.expect();
    for (const piece of piecesOf(next, cuts)) if (!isTaken(log)) reader.read(piece);
    expect(outcome(log), `seed ${seed}: ${escapeBytes(bytes)} then ${escapeBytes(next)}`).toEqual(outcome(expected));
    repeated++;
  }
  expect(repeated).toBeGreaterThan(INPUTS / 5);
});
