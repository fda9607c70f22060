import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findExcess, JSON_BOUNDS, type JsonBounds } from '../../../src/wire/wire.ts';

interface Size {
  readonly depth: number;
  readonly elements: number;
}

/** The naive count over a parsed value: an empty container counts as one element. */
function sizeOf(value: unknown): Size {
  if (typeof value !== 'object' || value === null) return { depth: 0, elements: 0 };
  const members = Object.values(value).map(sizeOf);
  return {
    depth: 1 + members.reduce((deepest, { depth }) => Math.max(deepest, depth), 0),
    elements: Math.max(1, members.length) + members.reduce((sum, { elements }) => sum + elements, 0),
  };
}

function allowed(value: unknown, bounds: JsonBounds): readonly unknown[] {
  const { depth, elements } = sizeOf(value);
  const excess = [
    ...(depth > bounds.maxDepth ? ['depth'] : []),
    ...(elements > bounds.maxElements ? ['elements'] : []),
  ];
  return excess.length === 0 ? [undefined] : excess;
}

const nasty = fc.string({ unit: fc.constantFrom('[', ']', '{', '}', '"', '\\', ',', ':', 'a', '\n', '\u2028') });
const { tree: value } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 8, depthSize: 'small' },
    fc.oneof(
      nasty,
      fc.integer(),
      fc.constantFrom(null, true, false),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    ),
    fc.array(tie('tree'), { maxLength: 6 }),
    fc.dictionary(nasty, tie('tree'), { maxKeys: 6 }),
  ),
}));
const bounds = fc.record({ maxDepth: fc.integer({ min: 0, max: 8 }), maxElements: fc.integer({ min: 0, max: 40 }) });
const indent = fc.constantFrom(undefined, 2, '\t');

function nested(depth: number, open = '[', close = ']'): string {
  return open.repeat(depth) + close.repeat(depth);
}

/** A text that counts the characters that are looked at. */
class CountedText extends String {
  steps = 0;

  override charCodeAt(at: number): number {
    this.steps++;
    return super.charCodeAt(at);
  }

  override indexOf(wanted: string, from = 0): number {
    const found = super.indexOf(wanted, from);
    this.steps += (found === -1 ? this.length : found) - from + 1;
    return found;
  }
}

describe('findExcess', () => {
  it('agrees with a naive count over the parsed value', () => {
    fc.assert(
      fc.property(value, bounds, indent, (generated, limits, space) => {
        const text = JSON.stringify(generated, undefined, space);
        expect(allowed(JSON.parse(text), limits)).toContain(findExcess(text, limits));
      }),
      { numRuns: 2_000 },
    );
  });

  it('refuses nothing within the default bounds', () => {
    fc.assert(
      fc.property(value, (generated) => {
        expect(findExcess(JSON.stringify(generated), JSON_BOUNDS)).toBe(undefined);
      }),
    );
  });

  it('counts nothing inside strings', () => {
    fc.assert(
      fc.property(nasty, (inside) => {
        expect(findExcess(JSON.stringify([inside]), { maxDepth: 1, maxElements: 1 })).toBe(undefined);
      }),
    );
  });

  it.each([
    ['arrays', '[', ']'],
    ['objects', '{"a":', '}'],
    ['objects with brackets in their keys', '{"[[{\\"":', '}'],
  ])('draws the line between depth 64 and 65: %s', (_what, open, close) => {
    const within = `${open.repeat(63)}[]${close.repeat(63)}`;
    const beyond = `${open.repeat(64)}[]${close.repeat(64)}`;
    expect(sizeOf(JSON.parse(within)).depth).toBe(64);
    expect(findExcess(within, JSON_BOUNDS)).toBe(undefined);
    expect(findExcess(beyond, JSON_BOUNDS)).toBe('depth');
  });

  it('draws the line between 100,000 and 100,001 elements', () => {
    const numbers = (count: number): string => `[${Array(count).fill('0').join(',')}]`;
    const members = (count: number): string => `{${Array.from({ length: count }, (_, n) => `"${n}":0`).join(',')}}`;
    for (const make of [numbers, members]) {
      expect(findExcess(make(100_000), JSON_BOUNDS)).toBe(undefined);
      expect(findExcess(make(100_001), JSON_BOUNDS)).toBe('elements');
    }
    expect(findExcess(`[${Array(99_999).fill('[]').join(',')}]`, JSON_BOUNDS)).toBe('elements');
  });

  it('has room for many siblings: only nesting is depth', () => {
    expect(findExcess(`[${Array(10_000).fill('[[]]').join(',')}]`, JSON_BOUNDS)).toBe(undefined);
  });

  it('answers for texts that are not JSON, too', () => {
    fc.assert(
      fc.property(fc.oneof(nasty, fc.string()), bounds, (text, limits) => {
        expect([undefined, 'depth', 'elements']).toContain(findExcess(text, limits));
      }),
    );
    expect(findExcess(`"${'['.repeat(1_000)}`, JSON_BOUNDS)).toBe(undefined);
    expect(findExcess(`"\\`, { maxDepth: 0, maxElements: 0 })).toBe(undefined);
  });

  it.each([
    ['openers', (n: number) => '['.repeat(n)],
    ['pairs', (n: number) => '[]'.repeat(n / 2)],
    ['quotes', (n: number) => '"'.repeat(n)],
    ['backslashes in a string', (n: number) => `[${'"\\\\'.repeat(n / 3)}`],
    ['a string that does not end', (n: number) => `${nested(70)}"${'{'.repeat(n)}`],
    ['commas', (n: number) => ','.repeat(n)],
  ])('takes linear time whatever the text: %s', (_what, make) => {
    const bounds = { maxDepth: 10_000_000, maxElements: 10_000_000 };
    for (const limits of [bounds, { ...bounds, maxDepth: 64 }, { ...bounds, maxElements: 100 }]) {
      const text = new CountedText(make(60_000));
      findExcess(text as unknown as string, limits);
      expect(text.steps).toBeLessThanOrEqual(4 * text.length + 100);
    }
  });
});
