import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OptionError } from '../../../src/kernel/errors.ts';
import { UriTemplate, type Variables } from '../../../src/registry/registry.ts';

function match(template: string, uri: string): Variables | null {
  return new UriTemplate(template).match(uri);
}

type Part = { readonly literal: string } | { readonly operator: string };

const literal = fc.string({ unit: fc.constantFrom('a', 'b', '/', '-', '.', ':'), minLength: 1, maxLength: 3 });
const part: fc.Arbitrary<Part> = fc.oneof(
  literal.map((text) => ({ literal: text })),
  fc.constantFrom('', '', '+', '#', '.', '/').map((operator) => ({ operator })),
);
const parts = fc.array(part, { minLength: 1, maxLength: 6 });
const anyText = fc.string({ unit: fc.constantFrom('a', 'b', '/', '-', '.', ':', '#', '%20', 'é'), maxLength: 12 });

function templateOf(all: readonly Part[]): string {
  return all.map((each, index) => ('literal' in each ? each.literal : `{${each.operator}v${index}}`)).join('');
}

/** The same language as a regular expression that goes back where it must: slow, but plain. */
function oracleOf(all: readonly Part[]): RegExp {
  const source = all.map((each) => {
    if ('literal' in each) return each.literal.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
    return { '': '[^/]+', '+': '[^]+', '#': '#[^]+', '.': '\\.[^/]+', '/': '\\/[^/]+' }[each.operator];
  });
  return new RegExp(`^${source.join('')}$`);
}

function expand(all: readonly Part[], value: (index: number) => string): string {
  return all
    .map((each, index) => ('literal' in each ? each.literal : each.operator.replace('+', '') + value(index)))
    .join('');
}

describe('UriTemplate', () => {
  it('matches whenever some values make the template into the URI, and gives such values', () => {
    fc.assert(
      fc.property(
        parts,
        fc.array(anyText, { minLength: 6, maxLength: 6 }),
        anyText,
        fc.boolean(),
        (all, values, text, free) => {
          const uri = free ? text : expand(all, (index) => values[index] || 'a');
          const found = match(templateOf(all), uri);
          expect(found !== null).toBe(oracleOf(all).test(uri));
          if (found === null) return;
          expect(expand(all, (index) => String(found[`v${index}`]))).toBe(uri);
          for (const [index, each] of all.entries()) {
            if ('literal' in each) continue;
            expect(found[`v${index}`]).not.toBe('');
            if (!'+#'.includes(each.operator) || each.operator === '') expect(found[`v${index}`]).not.toContain('/');
          }
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it.each([
    ['repo://{owner}/{repo}/{+path}', 'repo://o/r/src/a.ts', { owner: 'o', repo: 'r', path: 'src/a.ts' }],
    ['file://{host}/{+path}', 'file://h/a/b/c', { host: 'h', path: 'a/b/c' }],
    ['memo://note/{id}', 'memo://note/a%20b', { id: 'a%20b' }],
    ['memo://note/{id}', 'memo://note/', null],
    ['memo://note/{id}', 'memo://note/a/b', null],
    ['memo://note/{id}', 'memo://note/1x/', null],
    ['memo://note/{id}', 'memo://NOTE/1', null],
    ['a://{x}-{y}', 'a://1-2', { x: '1', y: '2' }],
    ['a://{x}.json', 'a://b.json', { x: 'b' }],
    ['a://{x}.json', 'a://b.jsonx', null],
    ['a://b{/x,y}', 'a://b/1/2', { x: '1', y: '2' }],
    ['a://b{.x}', 'a://b.c', { x: 'c' }],
    ['a://b{#x}', 'a://b#c/d', { x: 'c/d' }],
    ['a://{x,y}', 'a://1,2', { x: '1', y: '2' }],
    ['a://{x*}', 'a://1,2,3', { x: ['1', '2', '3'] }],
    ['a://{x*}', 'a://1', { x: '1' }],
    ['a://fixed', 'a://fixed', {}],
    ['a://fixed', 'a://fixed2', null],
    ['a://(.*)+$', 'a://(.*)+$', {}],
  ])('%s and %s', (template, uri, expected) => {
    expect(match(template, uri)).toEqual(expected);
  });

  it.each([
    ['a://b{?q}', 'a://b', {}],
    ['a://b{?q}', 'a://b?q=1', { q: '1' }],
    ['a://b{?q}', 'a://b?q=', { q: '' }],
    ['a://b{?q}', 'a://b?q', { q: '' }],
    ['a://b{?q}', 'a://b?q=a=b', { q: 'a=b' }],
    ['a://b{?q,r}', 'a://b?r=2&q=1', { q: '1', r: '2' }],
    ['a://b{?q,r}', 'a://b?other=3&r=2', { r: '2' }],
    ['a://b{?q}', 'a://c?q=1', null],
    ['a://{x}{?q}', 'a://1?q=2', { x: '1', q: '2' }],
    ['a://{x}{?q}', 'a://?q=2', null],
    ['a://{+x}{?q}', 'a://1/2?q=3', { x: '1/2', q: '3' }],
    ['a://b?fixed=1{&q}', 'a://b?fixed=1&q=2', { q: '2' }],
    ['a://b?fixed=1{&q}', 'a://b?fixed=1', {}],
    ['a://b?fixed=1{&q}', 'a://b?fixed=10&q=2', null],
    ['a://b?fixed=1{&q}', 'a://b?fixed=2&q=2', null],
    ['a://b?fixed=1{&q}', 'a://b?q=2', null],
    ['a://b?x=1&y=2{&q}', 'a://b?x=1&y=2&q=3', { q: '3' }],
    ['a://b?x=1&y=2{&q}', 'a://b?x=1&q=3', null],
    ['a://b?x=1&y={y}{&q,r}', 'a://b?x=1&y=2&r=4&q=3', { y: '2', q: '3', r: '4' }],
    ['a://b?id={id}{&q}', 'a://b?id=5&q=2', { id: '5', q: '2' }],
  ])('knows query members: %s and %s', (template, uri, expected) => {
    expect(match(template, uri)).toEqual(expected);
  });

  it('finds query members in any order, among others', () => {
    const pairs = fc.uniqueArray(
      fc.tuple(fc.constantFrom('p', 'q', 'r', 'x', 'y'), fc.stringMatching(/^[a-z0-9=%]{0,4}$/)),
      {
        selector: ([name]) => name,
      },
    );
    fc.assert(
      fc.property(pairs, (given) => {
        const uri = `a://b${given.length > 0 ? '?' : ''}${given.map(([name, value]) => `${name}=${value}`).join('&')}`;
        expect(match('a://b{?p,q,r}', uri)).toEqual(Object.fromEntries(given.filter(([name]) => 'pqr'.includes(name))));
      }),
    );
  });

  it.each([
    'a://{',
    'a://}',
    'a://{x',
    'a://x}',
    'a://{}',
    'a://{+}',
    'a://{x y}',
    'a://{{x}}',
    'a://{?q}/x',
    'a://{?q}{x}',
    'a://{x,}',
    'a://{;x}',
    'a://{!x}',
  ])('refuses %s, naming it', (template) => {
    expect(() => new UriTemplate(template)).toThrow(OptionError);
    expect(() => new UriTemplate(template)).toThrow(template.slice(0, 5));
  });

  it('keeps names of prototypes as names', () => {
    const found = match('a://{__proto__}/{constructor}{?toString}', 'a://1/2?toString=3');
    expect(Object.entries(found ?? {})).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
      ['toString', '3'],
    ]);
    expect(Object.getPrototypeOf(found)).toBe(Object.prototype);
    expect(match('a://b{?q}', 'a://b?constructor=1')).toEqual({});
  });

  it('tells its text and its variables', () => {
    const template = new UriTemplate('a://{x}/{+y}{?p,q*}');
    expect(template.toString()).toBe('a://{x}/{+y}{?p,q*}');
    expect(template.variableNames).toEqual(['x', 'y', 'p', 'q']);
  });

  // With more than linear time these would run for minutes at least: the square of the size is 7 * 10^10 steps.
  const SIZE = 2 ** 18;
  it.each([
    ['{a}{b}{c}/z', 'x'],
    ['{a}{b}{c}/z', 'z/'],
    ['{a}{b}{c}{d}{e}{f}/z', 'x'],
    ['{+a}{+b}{+c}/z', '/'],
    ['{+a}/{+b}/{+c}/z', '/'],
    ['{a}-{b}-{c}/z', '-'],
    ['{+a}-{+b}-{+c}-z', '-'],
    ['{a*}{b*}{c*}/z', ','],
    ['{.a}{.b}{.c}/z', '.'],
    ['{/a}{/b}{/c}z', '/'],
    ['a://b{?q}', '?q='],
    ['a://b{?q}', '&'],
  ])('takes linear time for %s on %s repeated to 256 KiB', (template, unit) => {
    const hostile = unit.repeat(SIZE / unit.length);
    for (const uri of [hostile, `${hostile}/`, `${hostile}/y`, `a://b?${hostile}`]) {
      expect([null, 'object']).toContain(match(template, uri) === null ? null : 'object');
    }
  });
});
