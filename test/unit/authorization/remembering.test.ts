import { describe, expect, it } from 'vitest';
import { Denial } from '../../../src/authorization/authorization.ts';
import { TokenMemory } from '../../../src/authorization/token-memory.ts';
import { Rig } from './rig.ts';
import { RESOURCE } from './test-issuer.ts';

/** Counts its checks, each of which takes its turn. */
async function counting(options = {}) {
  const checks: string[] = [];
  const rig = await Rig.create({
    verify: async (token) => {
      checks.push(token);
      if (token.startsWith('bad')) return undefined;
      const expiresAt = rig.clock.wallNow() / 1_000 + 60;
      return {
        subject: token,
        clientId: 'app',
        issuer: 'https://issuer.example',
        scopes: [],
        audience: [RESOURCE],
        expiresAt,
        claims: {},
      };
    },
    ...options,
  });
  return { rig, checks };
}

describe('a checked token', () => {
  it('is known at once until it expires', async () => {
    const { rig, checks } = await counting({ clockToleranceSeconds: 0 });
    expect(rig.authorization.admit('Bearer ada')).toBeInstanceOf(Promise);
    await rig.outcome('ada');
    rig.clock.advance(59_999);
    expect(rig.authorization.admit('Bearer ada')).toMatchObject({ info: { subject: 'ada' } });
    expect(checks).toEqual(['ada']);
    rig.clock.advance(1);
    await rig.outcome('ada');
    expect(checks).toEqual(['ada', 'ada']);
  });

  it('is checked again after the time that it may be believed', async () => {
    const { rig, checks } = await counting({ rememberSeconds: 10 });
    await rig.outcome('ada');
    rig.clock.advance(9_999);
    await rig.outcome('ada');
    expect(checks).toHaveLength(1);
    rig.clock.advance(1);
    await rig.outcome('ada');
    expect(checks).toHaveLength(2);
  });

  it('is checked once for all who bring it at the same time', async () => {
    const { rig, checks } = await counting();
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => rig.outcome('ada')));
    expect([new Set(outcomes), checks]).toEqual([new Set(['ada']), ['ada']]);
  });

  it('is refused again for ten seconds without a check, when it was refused', async () => {
    const { rig, checks } = await counting();
    await rig.outcome('bad');
    rig.clock.advance(9_999);
    expect(rig.authorization.admit('Bearer bad')).toBeInstanceOf(Denial);
    rig.clock.advance(1);
    await rig.outcome('bad');
    expect(checks).toEqual(['bad', 'bad']);
  });

  it('has the same principal as others of its subject, and as nobody else', async () => {
    const { rig } = await counting();
    const principals = new Map<string, string>();
    const issuer = 'https://issuer.example';
    const of = async (parts: object) => {
      const own = await Rig.create({
        verify: () => ({
          subject: undefined,
          clientId: undefined,
          issuer,
          scopes: [],
          audience: [RESOURCE],
          expiresAt: undefined,
          claims: {},
          ...parts,
        }),
        authorizationServers: [issuer, 'https://other.example'],
      });
      const found = await own.admit('x');
      return found instanceof Denial ? found.description : found.principal;
    };
    const ada = await of({ subject: 'ada', clientId: 'one' });
    expect(await of({ subject: 'ada', clientId: 'two', scopes: ['x'] })).toBe(ada);
    for (const parts of [
      { subject: 'eve' },
      { subject: 'ada', issuer: 'https://other.example' },
      { clientId: 'ada' },
      { subject: '","ada' },
      { subject: 'ada"]' },
    ])
      principals.set(await of(parts), JSON.stringify(parts));
    expect(principals.size).toBe(5);
    expect(principals.has(ada)).toBe(false);
    expect(rig.faults).toEqual([]);
  });
});

describe('a check of the author’s own', () => {
  const answer = {
    subject: 'ada',
    clientId: undefined,
    issuer: 'https://issuer.example',
    scopes: [],
    audience: [RESOURCE],
    expiresAt: undefined,
    claims: {},
  };

  it.each([
    [
      'for another audience',
      { ...answer, audience: ['https://other.example'] },
      '401 The token is not for this resource',
    ],
    ['of another issuer', { ...answer, issuer: 'https://evil.example' }, '401 The token is not valid'],
    ['that has expired', { ...answer, expiresAt: 1 }, '401 The token has expired'],
    ['of nobody', { ...answer, subject: undefined }, '401 The token names nobody'],
  ])('does not let in one %s', async (_what, info, reason) => {
    const rig = await Rig.create({ verify: () => info });
    expect(await rig.outcome('x')).toBe(reason);
  });

  it.each([
    ['throws', () => Promise.reject(new Error('no database'))],
    ['answers something else', () => 'ada' as never],
  ])('that %s is a fault of the server, not of the client', async (_what, verify) => {
    const rig = await Rig.create({ verify });
    expect(await rig.outcome('x')).toBe('503 The token cannot be checked now');
    expect(rig.faults).toHaveLength(1);
    expect(String(rig.faults[0])).not.toContain('Bearer');
  });

  it('is not asked for more than 1,024 tokens at once', async () => {
    const rig = await Rig.create({ verify: () => new Promise(() => {}) });
    for (let index = 0; index < 1_024; index++) void rig.authorization.admit(`Bearer ${index}`);
    expect(rig.authorization.admit('Bearer more')).toMatchObject({ status: 503 });
    expect(rig.authorization.admit('Bearer 5')).toBeInstanceOf(Promise);
  });
});

describe('TokenMemory', () => {
  it('keeps the ones used last', () => {
    const memory = new TokenMemory<number>(3);
    for (const value of [1, 2, 3]) memory.set(String(value), value, 10);
    expect(memory.get('1', 0)).toBe(1);
    memory.set('4', 4, 10);
    expect(['1', '2', '3', '4'].map((key) => memory.get(key, 0))).toEqual([1, undefined, 3, 4]);
    expect(memory.size).toBe(3);
  });

  it('forgets what is over', () => {
    const memory = new TokenMemory<number>(3);
    memory.set('a', 1, 10);
    expect([memory.get('a', 9), memory.get('a', 10), memory.size]).toEqual([1, undefined, 0]);
  });
});
