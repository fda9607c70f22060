import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, END_OF_KEY, type KeyScope, secondTierKey, startOfKey } from '../../../src/cache/cache.ts';
import { fitsPattern } from '../../../src/cache/keys.ts';

interface Vector {
  readonly name: string;
  readonly input: Omit<KeyScope, 'principal'> & { readonly principal: string | null; readonly arguments: unknown };
  readonly key: string;
  readonly secondTierKey: string;
}

const { prefix, vectors } = JSON.parse(
  readFileSync(new URL('../../../spec/cache-keys.json', import.meta.url), 'utf8'),
) as { prefix: string; vectors: Vector[] };

function keyOf({ arguments: given, principal, ...scope }: Vector['input']): string {
  return startOfKey({ ...scope, principal: principal ?? undefined }) + canonicalJson(given) + END_OF_KEY;
}

describe('the vectors', () => {
  it.each(vectors)('$name', ({ input, key, secondTierKey: second }) => {
    expect(keyOf(input)).toBe(key);
    expect(secondTierKey(prefix, key)).toBe(second);
  });

  it('are apart where their inputs are', () => {
    const inputs = new Set(
      vectors.map(({ input }) => JSON.stringify([{ ...input, arguments: sorted(input.arguments) }])),
    );
    expect(inputs.size).toBe(vectors.length - 1); // One input stands there twice, in two orders.
    expect(new Set(vectors.map(({ key }) => key)).size).toBe(inputs.size);
    expect(new Set(vectors.map(({ secondTierKey }) => secondTierKey)).size).toBe(inputs.size);
  });
});

/** A value in a form in which equal ones read alike; told apart from the code by being another. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return ['list', ...value.map(sorted)];
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? 0 : value;
  const members = Object.entries(value).map(([name, member]) => [name, sorted(member)] as const);
  return ['object', ...members.sort(([a], [b]) => (a < b ? -1 : 1))];
}

/** Texts that try to look like parts of keys, in any UTF-16. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('"', '\\', ',', ':', '[', ']', '{', '}', 'a', '1', 'null', '\ud800', '\udc00', '","', '"]'),
  }),
);
const json = fc.jsonValue({ stringUnit: 'binary', maxDepth: 3 }).chain((value) =>
  fc.oneof(
    fc.constant(value),
    text.map((inner) => ({ inner })),
    fc.tuple(text, text).map((pair) => [...pair, value]),
  ),
);
const input = fc.record({
  kind: fc.constantFrom('tool', 'resource', 'list'),
  name: text,
  version: text,
  form: fc.constantFrom('modern', 'legacy'),
  principal: fc.option(text, { nil: null }),
  arguments: json,
});

describe('keys of any input', () => {
  it('are equal exactly where the inputs are', () => {
    fc.assert(
      fc.property(
        input,
        input,
        fc.constantFrom('kind', 'name', 'version', 'form', 'principal', 'arguments'),
        (a, b, part) => {
          const near = { ...a, [part]: b[part] };
          for (const other of [b, near]) {
            const areSame = JSON.stringify(sorted(a)) === JSON.stringify(sorted(other));
            expect(keyOf(a) === keyOf(other)).toBe(areSame);
            expect(secondTierKey('p', keyOf(a)) === secondTierKey('p', keyOf(other))).toBe(areSame);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('are never one for inputs of which one was made from the key of the other', () => {
    fc.assert(
      fc.property(input, input, fc.nat(), (a, b, at) => {
        const key = keyOf(a);
        const cut = at % (key.length + 1);
        for (const forged of [
          { ...b, principal: key.slice(cut) },
          { ...b, principal: key.slice(0, cut) },
          { ...b, name: key.slice(a.kind.length + 1, cut) },
          { ...b, version: key.slice(cut) },
          { ...b, arguments: key.slice(cut) },
        ]) {
          const areSame = JSON.stringify(sorted(a)) === JSON.stringify(sorted(forged));
          expect(keyOf(forged) === key).toBe(areSame);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('do not depend on the order of members', () => {
    fc.assert(
      fc.property(fc.dictionary(text, json), (value) => {
        const turned = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(turned)).toBe(canonicalJson(value));
        expect(sorted(JSON.parse(canonicalJson(value) as string))).toEqual(sorted(JSON.parse(JSON.stringify(value))));
      }),
    );
  });

  it('have a bounded and harmless name in the second tier', () => {
    fc.assert(
      fc.property(input, (given) => {
        expect(secondTierKey('p', keyOf(given))).toMatch(/^p:(tool|resource|list):[\w.-]{0,64}:[0-9a-f]{32}$/);
      }),
    );
    expect(secondTierKey('p', 'app:the password is 1234')).toMatch(/^p:app:[0-9a-f]{32}$/);
  });
});

describe('canonical JSON', () => {
  it('leaves out members that are not there', () => {
    expect(canonicalJson({ b: undefined, a: 1 })).toBe('{"a":1}');
  });

  it('never reads alike for a date and for what imitates one', () => {
    const date = new Date(5);
    for (const other of [{ $date: 5 }, 'date(5)', 5, date.toISOString(), new Date(6)])
      expect(canonicalJson({ at: other })).not.toBe(canonicalJson({ at: date }));
    expect(canonicalJson({ at: new Date(5) })).toBe(canonicalJson({ at: date }));
  });

  it.each([
    ['undefined', undefined],
    ['a function', () => {}],
    ['a symbol', Symbol('x')],
    ['a bigint', 1n],
    ['not a number', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['a map', new Map([[1, 2]])],
    ['a set', new Set([1])],
    ['bytes', Buffer.from('x')],
    ['an invalid date', new Date(Number.NaN)],
    ['an instance of a class', new URL('http://localhost/')],
    ['a hole', new Array(2)],
  ])('is nothing for %s', (_name, value) => {
    expect(canonicalJson(value)).toBeUndefined();
    expect(canonicalJson({ deep: [value] })).toBeUndefined();
  });

  it('is nothing for what goes in circles or too deep', () => {
    const circle: unknown[] = [];
    circle.push(circle, circle);
    expect(canonicalJson(circle)).toBeUndefined();
    expect(canonicalJson(JSON.parse('['.repeat(100) + ']'.repeat(100)))).toHaveLength(200);
    expect(canonicalJson(JSON.parse('['.repeat(101) + ']'.repeat(101)))).toBeUndefined();
  });
});

describe('patterns', () => {
  const reference = (pattern: string): RegExp =>
    new RegExp(
      `^${pattern
        .split('*')
        .map((part) => part.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'))
        .join('.*')}$`,
      's',
    );
  const letters = (...more: string[]) =>
    fc.string({ unit: fc.constantFrom('a', 'b', '.', '\n', ...more), maxLength: 12 });

  it('fit as a regular expression does', () => {
    fc.assert(
      fc.property(letters(), letters('*', '*'), (key, pattern) => {
        expect(fitsPattern(key, pattern)).toBe(reference(pattern).test(key));
      }),
      { numRuns: 5_000 },
    );
  });

  it('fit the key that they were made from', () => {
    fc.assert(
      fc.property(fc.array(letters('*'), { minLength: 1 }), letters('*'), (parts, filling) => {
        expect(fitsPattern(parts.join(filling), parts.join('*'))).toBe(true);
      }),
    );
  });

  it('take linear time where a regular expression takes for ever', () => {
    const startedAt = performance.now();
    for (let times = 0; times < 100; times++)
      expect(fitsPattern('a'.repeat(100_000), `${'*a'.repeat(20)}*b*`)).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});
