import { crc32, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeEntry, encodeEntry } from '../../../src/cache/codec.ts';
import { Entry } from '../../../src/cache/entry.ts';
import { digestOf } from '../../../src/kernel/digest.ts';

const WALL = Date.UTC(2026, 0, 1);
const KEY = 'tool:find:["1","modern","alice",{}]';
const context = { key: KEY, since: 7, now: 1_000, wallOffsetMs: WALL, maxBytes: 1_000_000 };
const life = { ttlMs: 60_000, staleMs: 5_000, staleIfErrorMs: 9_000 };

const entryOf = (text: string, tags: readonly string[] = ['a', 'b']): Entry => new Entry(text, tags, 3, 500, 12, life);
const encode = (entry: Entry, above = 8_192): Promise<Buffer> => encodeEntry(entry, KEY, 42, WALL, above);

/** Bytes as the codec writes them, around a header of one's own. */
function forge(header: Record<string, unknown>, body: Buffer = Buffer.from('text')): Buffer {
  const own = {
    e: WALL + 60_500,
    s: WALL + 65_500,
    f: WALL + 69_500,
    q: 42,
    c: 12,
    t: [],
    k: digestOf(KEY),
    ...header,
  };
  const head = Buffer.from(JSON.stringify(own));
  const bytes = Buffer.concat([Buffer.alloc(12), head, body]);
  bytes.writeUInt32BE(0x70674331, 0);
  bytes.writeUInt32BE(head.length, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(8)), 4);
  return bytes;
}

describe('an entry in the second tier', () => {
  it('comes back as it was, compressed or not', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 300 }).map((drawn) => drawn.toWellFormed());
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.array(fc.string({ unit: 'binary' })),
        fc.constantFrom(0, 50, 8_192),
        async (drawn, tags, above) => {
          const decoded = decodeEntry(await encode(entryOf(drawn.repeat(3), tags), above), context);
          expect(decoded?.clusterSince).toBe(42);
          expect(decoded?.entry).toMatchObject({
            text: drawn.repeat(3),
            tags,
            since: 7,
            computeMs: 12,
            expiresAt: 60_500,
            staleUntil: 65_500,
            staleIfErrorUntil: 69_500,
          });
        },
      ),
    );
  });

  it('is compressed only above the size, and where that makes it shorter', async () => {
    const long = 'amber '.repeat(2_000);
    expect((await encode(entryOf(long))).length).toBeLessThan(1_000);
    expect((await encode(entryOf(long), 100_000)).length).toBeGreaterThan(12_000);
    expect(decodeEntry(await encode(entryOf('abc'), 0), context)?.entry.text).toBe('abc');
    expect(decodeEntry(await encode(entryOf(''), 0), context)?.entry.text).toBe('');
  });

  it.each([8_192, 0])(
    'is a miss with any byte changed, and with any end missing (compressed above %d)',
    async (above) => {
      const bytes = await encode(entryOf('the text of an answer, the text of an answer'), above);
      expect(decodeEntry(bytes, context)).toBeDefined();
      for (let at = 0; at < bytes.length; at++) {
        expect(decodeEntry(bytes.subarray(0, at), context)).toBeUndefined();
        for (let bit = 0; bit < 8; bit++) {
          const other = Buffer.from(bytes);
          other.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at);
          expect(decodeEntry(other, context)).toBeUndefined();
        }
      }
      expect(decodeEntry(Buffer.concat([bytes, Buffer.from('x')]), context)).toBeUndefined();
    },
  );

  it('is a miss for any bytes that are none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (drawn, hasMagic) => {
        const bytes = Buffer.from(drawn);
        if (hasMagic && bytes.length >= 4) bytes.writeUInt32BE(0x70674331, 0);
        expect(decodeEntry(bytes, context)).toBeUndefined();
      }),
    );
  });

  it('is a miss under another key', async () => {
    const bytes = await encode(entryOf('of alice'));
    expect(decodeEntry(bytes, { ...context, key: KEY.replace('alice', 'bob') })).toBeUndefined();
  });

  it.each<[string, Record<string, unknown>]>([
    ['lives for ever', { e: 9e15, s: 9e15, f: 9e15 }],
    ['is stale for ever', { s: 9e15 }],
    ['is served on errors for ever', { f: 9e15 }],
    ['is stale before its time', { s: WALL }],
    ['is dear beyond measure', { c: 9e15 }],
    ['was computed in less than no time', { c: -5 }],
    ['has a number below zero', { q: -1 }],
    ['has a number that is none', { q: '42' }],
    ['has a number with a fraction', { q: 1.5 }],
    ['has no time', { e: null }],
    ['has tags that are none', { t: 'abc' }],
    ['has a tag that is none', { t: ['a', 1] }],
    ['has no key', { k: undefined }],
    ['has a length below zero', { z: -1 }],
  ])('is a miss where it %s', (_name, header) => {
    expect(decodeEntry(forge({}), context)?.entry.text).toBe('text');
    expect(decodeEntry(forge(header), context)).toBeUndefined();
  });

  it('is a miss where its header is no object', () => {
    for (const json of ['null', '[]', '5', '{', '']) {
      const bytes = Buffer.concat([Buffer.alloc(12), Buffer.from(json)]);
      bytes.writeUInt32BE(0x70674331, 0);
      bytes.writeUInt32BE(json.length, 8);
      bytes.writeUInt32BE(crc32(bytes.subarray(8)), 4);
      expect(decodeEntry(bytes, context)).toBeUndefined();
    }
  });

  it('never grows beyond its bound, whatever its header says', () => {
    const bomb = deflateRawSync(Buffer.alloc(50_000_000, 'a'));
    expect(bomb.length).toBeLessThan(100_000);
    const before = process.memoryUsage().arrayBuffers;
    for (const z of [50_000_000, 999_999, 1, 0]) expect(decodeEntry(forge({ z }, bomb), context)).toBeUndefined();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
    expect(decodeEntry(forge({ z: 5 }, deflateRawSync(Buffer.from('four'))), context)).toBeUndefined();
    expect(decodeEntry(forge({ z: 4 }, Buffer.from('not deflated')), context)).toBeUndefined();
  });

  it('counts what it takes in memory, tags and wide characters included', () => {
    const bytes = (text: string, tags: readonly string[] = []): number => entryOf(text, tags).bytesWith('key');
    expect(bytes('a'.repeat(100)) - bytes('')).toBe(100);
    expect(bytes('琥'.repeat(100)) - bytes('')).toBe(200);
    expect(bytes('', ['t'.repeat(100)]) - bytes('')).toBe(100);
  });
});
