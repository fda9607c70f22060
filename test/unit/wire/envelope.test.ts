import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  findEnvelopeIssue,
  isModernVersion,
  LEGACY_VERSIONS,
  LOG_LEVELS,
  MODERN_VERSIONS,
} from '../../../src/wire/wire.ts';
import { envelope } from '../support/messages.ts';

const PREFIX = 'io.modelcontextprotocol/';

function issueWith(meta: Record<string, unknown>): unknown {
  return findEnvelopeIssue({ ...envelope(), ...meta });
}

describe('findEnvelopeIssue', () => {
  it('finds none in a whole envelope, whatever else stands beside it', () => {
    expect(findEnvelopeIssue(envelope())).toBe(undefined);
    expect(issueWith({ progressToken: 1, 'com.example/x': [] })).toBe(undefined);
    expect(issueWith({ [`${PREFIX}clientInfo`]: { name: 'c', version: '1', extra: true } })).toBe(undefined);
    for (const level of LOG_LEVELS) expect(issueWith({ [`${PREFIX}logLevel`]: level })).toBe(undefined);
  });

  it.each([
    ['protocolVersion', undefined, 'missing'],
    ['clientCapabilities', undefined, 'missing'],
    ['protocolVersion', 20_260_728, 'must be a string'],
    ['protocolVersion', null, 'must be a string'],
    ['clientCapabilities', null, 'must be an object'],
    ['clientCapabilities', [], 'must be an object'],
    ['clientCapabilities', 'elicitation', 'must be an object'],
    ['clientInfo', null, 'must be an object with name and version'],
    ['clientInfo', {}, 'must be an object with name and version'],
    ['clientInfo', { name: 'c' }, 'must be an object with name and version'],
    ['clientInfo', { name: 1, version: '1' }, 'must be an object with name and version'],
    ['clientInfo', ['c', '1'], 'must be an object with name and version'],
  ])('names the key and the problem: %s %o', (name, value, problem) => {
    expect(issueWith({ [PREFIX + name]: value })).toEqual({ key: PREFIX + name, problem });
  });

  it.each([['warn'], ['DEBUG'], [''], [3], [null], [['debug']]])('takes no log level %o', (level) => {
    expect(issueWith({ [`${PREFIX}logLevel`]: level })).toMatchObject({ key: `${PREFIX}logLevel` });
  });

  it('names what is missing before what is malformed', () => {
    const meta = { [`${PREFIX}protocolVersion`]: 5 };
    expect(findEnvelopeIssue(meta)).toEqual({ key: `${PREFIX}clientCapabilities`, problem: 'missing' });
  });

  it('reads own members alone', () => {
    expect(findEnvelopeIssue({})).toEqual({ key: `${PREFIX}protocolVersion`, problem: 'missing' });
  });
});

describe('isModernVersion', () => {
  it('tells the revisions apart', () => {
    for (const version of MODERN_VERSIONS) expect(isModernVersion(version)).toBe(true);
    for (const version of LEGACY_VERSIONS) expect(isModernVersion(version)).toBe(false);
  });

  it.each([
    ['2026-07-28', true],
    ['2026-07-29', true],
    ['2027-01-01', true],
    ['9999-12-31', true],
    ['2026-07-27', false],
    ['v999', false],
    ['2026-07-28 ', false],
    ['2026-07-28-rc', false],
    ['12026-07-28', false],
    ['draft', false],
    ['', false],
  ])('%j is modern: %s', (version, modern) => {
    expect(isModernVersion(version)).toBe(modern);
  });

  it('orders dates as dates', () => {
    const date = fc.date({ min: new Date('2020-01-01'), max: new Date('2039-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(date, (day) => {
        const text = day.toISOString().slice(0, 10);
        expect(isModernVersion(text)).toBe(Date.parse(text) >= Date.parse('2026-07-28'));
      }),
    );
  });
});
