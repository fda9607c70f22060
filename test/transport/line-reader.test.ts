import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineReader } from '../../src/transport/stdio/line-reader.ts';

type Event = string | { readonly tooLong: true };

const TOO_LONG = { tooLong: true } as const;

/** What a reader tells of some pieces. */
function eventsOf(maxBytes: number, pieces: readonly Buffer[]): Event[] {
  const events: Event[] = [];
  const reader = new LineReader(maxBytes, {
    line: (text) => events.push(text),
    tooLong: () => events.push(TOO_LONG),
  });
  for (const piece of pieces) reader.push(piece);
  return events;
}

/** What a reader has to tell of all bytes together. */
function expectedOf(maxBytes: number, bytes: Buffer): Event[] {
  const lines = bytes.toString('latin1').split('\n');
  const events: Event[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.length > maxBytes) events.push(TOO_LONG);
    else if (index < lines.length - 1 && line.replace(/\r$/, '') !== '') events.push(decoded(line.replace(/\r$/, '')));
  }
  const first = events.findIndex((event) => typeof event === 'string');
  if (first !== -1) events[first] = (events[first] as string).replace(/^\ufeff/, '');
  return events;
}

function decoded(latin1: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(latin1, 'latin1'));
  } catch {
    return '\ufffd';
  }
}

function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const edges = [...new Set([0, ...cuts.map((at) => at % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
}

const line = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }).map((text) => text.replaceAll('\n', '')),
  fc.constantFrom('', '\r', '\r\r', '{"id":1}\r', '\ufeff{}', '\u{1f600}'.repeat(20), 'x'.repeat(64), 'x'.repeat(65)),
);
const text = fc
  .tuple(fc.array(line, { maxLength: 12 }), fc.boolean())
  .map(([lines, whole]) => Buffer.from(lines.join('\n') + (whole ? '\n' : '')));
const raw = fc.uint8Array({ maxLength: 200, max: 255 }).map((array) => Buffer.from(array));

describe('LineReader', () => {
  it('tells the same lines however they are cut into pieces', () => {
    const cuts = fc.array(fc.nat(1_000), { maxLength: 40 });
    const property = fc.property(fc.oneof(text, raw), cuts, fc.constantFrom(10, 64, 1_000), (bytes, at, maxBytes) => {
      expect(eventsOf(maxBytes, cut(bytes, at))).toEqual(expectedOf(maxBytes, bytes));
    });
    fc.assert(property, { seed: 1, numRuns: 3_000 });
  });

  it('tells the same lines byte by byte', () => {
    const property = fc.property(text, (bytes) => {
      const single = [...bytes].map((byte) => Buffer.of(byte));
      expect(eventsOf(64, single)).toEqual(eventsOf(64, [bytes]));
    });
    fc.assert(property, { seed: 2, numRuns: 500 });
  });

  it('reports a line that is too long once, when it becomes so, and reads on behind it', () => {
    const long = Buffer.from('y'.repeat(30));
    const pieces = [Buffer.from('{"a":1}\n'), long, long, long, Buffer.from('tail\n{"b":2}\n')];
    expect(eventsOf(64, pieces.slice(0, 4))).toEqual(['{"a":1}', TOO_LONG]);
    expect(eventsOf(64, pieces)).toEqual(['{"a":1}', TOO_LONG, '{"b":2}']);
  });

  it('takes what comes after the last end of a line for a line when the stream is over', () => {
    const lines: string[] = [];
    const reader = new LineReader(100, { line: (text) => lines.push(text), tooLong: () => {} });
    reader.push(Buffer.from('{"id":1}\n{"id":'));
    expect(lines).toEqual(['{"id":1}']);
    reader.push(Buffer.from('2}'));
    reader.end();
    reader.end();
    expect(lines).toEqual(['{"id":1}', '{"id":2}']);
  });
});
