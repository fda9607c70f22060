import type { FuzzInput } from './compare.ts';
import { COSTLY, MUTATIONS } from './mutations.ts';
import { Random } from './random.ts';
import { type Draft, serialise, validDraft } from './request-grammar.ts';

const NAMES = Object.keys(MUTATIONS);
const CHEAP_NAMES = NAMES.filter((name) => !COSTLY.has(name));
const INTERESTING = [0x00, 0x09, 0x0a, 0x0d, 0x20, 0x2c, 0x2d, 0x30, 0x3a, 0x43, 0x63, 0x7f, 0x80, 0xff];

/** A random input; the same number always gives the same one. */
export function generateInput(seed: number): FuzzInput {
  const random = new Random(seed);
  if (random.oneIn(1_500)) return flood(random);
  let text = '';
  const repeated = random.oneIn(4) ? validDraft(random) : undefined;
  for (let count = random.oneIn(2) ? 1 : 1 + random.int(5); count > 0; count--) {
    text += repeated === undefined || random.oneIn(6) ? request(random) : again(random, repeated);
  }
  if (random.oneIn(12)) text = text.slice(0, random.int(text.length + 1));
  if (random.oneIn(15)) text += random.text(random.int(20), '\r\n GETPOST/mcp:{}\x00');
  let bytes = Buffer.from(text, 'latin1');
  if (random.oneIn(8)) bytes = withNoise(random, bytes);
  return {
    bytes,
    cuts: cutsFor(random, bytes.length),
    delays: delaysFor(random),
    slowReader: random.oneIn(16),
    anyHost: random.oneIn(5),
  };
}

function request(random: Random): string {
  const draft = validDraft(random);
  const count = random.pick([0, 0, 0, 0, 0, 1, 1, 1, 1, 2]);
  for (let done = 0; done < count; done++) {
    const name = random.pick(random.oneIn(12) ? NAMES : CHEAP_NAMES);
    MUTATIONS[name]?.(draft, random);
  }
  return serialise(draft);
}

/** The header block of an earlier request with another body, as clients send it; sometimes with one small change. */
function again(random: Random, earlier: Draft): string {
  const { body } = validDraft(random);
  const isLength = (name: string): boolean => name.toLowerCase() === 'content-length';
  const fields = earlier.fields.map((field) =>
    isLength(field.name) ? { ...field, value: lengthOf(random, body) } : { ...field },
  );
  const draft = { ...earlier, fields, body };
  if (random.oneIn(6)) MUTATIONS[random.pick(CHEAP_NAMES)]?.(draft, random);
  return serialise(draft);
}

/** The length of a body; sometimes wrong, or right in another notation. */
function lengthOf(random: Random, body: string): string {
  const digits = String(body.length);
  return random.oneIn(12)
    ? random.pick([`0${digits}`, `${digits} `, `+${digits}`, `${digits}0`, `${digits}, ${digits}`, '', '4097'])
    : digits;
}

/** More pipelined bytes than may wait, behind a request that takes its time; then whatever comes. */
function flood(random: Random): FuzzInput {
  let text = '';
  const requests = 18 + random.int(8);
  for (let count = 0; count < requests; count++) {
    const draft = validDraft(random);
    draft.body = random.text(3_900 + random.int(196), 'ab');
    const length = draft.fields.find(({ name }) => name.toLowerCase() === 'content-length');
    if (length !== undefined) length.value = String(draft.body.length);
    text += serialise(draft);
  }
  text += request(random);
  const bytes = Buffer.from(text, 'latin1');
  const cuts = Array.from({ length: 4 }, () => random.int(bytes.length));
  return { bytes, cuts, delays: [3, 0, 1], slowReader: random.oneIn(4), anyHost: false };
}

function withNoise(random: Random, bytes: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
  let noisy = bytes;
  for (let count = 1 + random.int(3); count > 0 && noisy.length > 0; count--) {
    const at = random.int(noisy.length);
    const byte = random.oneIn(2) ? random.pick(INTERESTING) : random.int(256);
    const kind = random.int(4);
    if (kind === 0) noisy = Buffer.concat([noisy.subarray(0, at), noisy.subarray(at + 1)]);
    else if (kind === 1) noisy = Buffer.concat([noisy.subarray(0, at), Buffer.of(byte), noisy.subarray(at)]);
    else noisy = Buffer.concat([noisy.subarray(0, at), Buffer.of(byte), noisy.subarray(at + 1)]);
  }
  return noisy;
}

function cutsFor(random: Random, length: number): number[] {
  const kind = random.int(16);
  if (kind < 7) return [];
  if (kind === 7) return length > 500 ? [] : Array.from({ length }, (_, at) => at);
  return Array.from({ length: 1 + random.int(4) }, () => random.int(length + 1)).sort((a, b) => a - b);
}

function delaysFor(random: Random): number[] {
  return random.oneIn(3) ? Array.from({ length: 3 }, () => random.int(4)) : [0];
}
