import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Denial } from '../../../src/authorization/authorization.ts';
import { Rig, sharedKey } from './rig.ts';
import { createKey, encoded, ISSUER, RESOURCE, type TokenParts } from './test-issuer.ts';

const INVALID = '401 The token is not valid';
const seconds = (clock: { wallNow(): number }): number => Math.floor(clock.wallNow() / 1_000);

describe('tokens that say who asks', () => {
  it('gives what the token says, frozen and without the token', async () => {
    const rig = await Rig.create();
    const token = await rig.token({ claims: { scope: 'read write', department: { name: 'sums' } } });
    const access = await rig.admit(token);
    if (access instanceof Denial) throw new Error(access.description);
    const { info } = access;
    expect(info).toMatchObject({ subject: 'ada', clientId: 'app', issuer: ISSUER, audience: [RESOURCE] });
    expect(info.scopes).toEqual(['read', 'write']);
    expect(info.expiresAt).toBe(seconds(rig.clock) + 600);
    expect(JSON.stringify(access)).not.toContain(token);
    expect([info, info.claims, info.claims['department'], info.scopes].every(Object.isFrozen)).toBe(true);
  });

  it.each<[string, TokenParts]>([
    ['without a type', { header: { typ: undefined } }],
    ['of type JWT', { header: { typ: 'JWT' } }],
    ['of the full type', { header: { typ: 'application/at+jwt' } }],
    ['for several audiences', { claims: { aud: ['https://other.example', RESOURCE] } }],
    ['without a key id', { header: { kid: undefined } }],
    ['with scopes as a list', { claims: { scope: undefined, scp: ['read'] } }],
    ['of a client that acts for itself', { claims: { sub: 'ada', client_id: 'ada' } }],
  ])('takes one %s', async (_what, parts) => {
    const rig = await Rig.create();
    expect(await rig.outcome(await rig.token(parts))).toBe('ada');
  });

  it.each<[string, TokenParts, string]>([
    ['of another issuer', { claims: { iss: 'https://evil.example' } }, INVALID],
    ['of an issuer with a slash more', { claims: { iss: `${ISSUER}/` } }, INVALID],
    ['without an issuer', { without: ['iss'] }, INVALID],
    ['for another resource', { claims: { aud: 'https://other.example' } }, '401 The token is not for this resource'],
    ['for a longer resource', { claims: { aud: `${RESOURCE}/x` } }, '401 The token is not for this resource'],
    ['for nobody', { without: ['aud'] }, '401 The token is not for this resource'],
    ['without an end', { without: ['exp'] }, INVALID],
    ['with an end that is no number', { claims: { exp: 'never' } }, INVALID],
    ['that names nobody', { without: ['sub', 'client_id'] }, '401 The token names nobody'],
    ['that is an ID token by type', { header: { typ: 'id+jwt' } }, '401 The token is no access token'],
    ['that is bound to a key', { claims: { cnf: { jkt: 'x' } } }, '401 The token is bound to a key'],
    ['with an extension that must be understood', { header: { crit: ['x'], x: 1 } }, INVALID],
  ])('refuses one %s', async (_what, parts, reason) => {
    const rig = await Rig.create();
    const token = await rig.token(parts).catch(async () => {
      const [, payload, signature] = (await rig.token()).split('.');
      return `${encoded({ alg: 'ES256', kid: 'first', ...parts.header })}.${payload}.${signature}`;
    });
    expect(await rig.outcome(token)).toBe(reason);
  });

  it('refuses one that has expired, and one that is not valid yet, give or take the tolerance', async () => {
    const rig = await Rig.create({ clockToleranceSeconds: 5 });
    const now = seconds(rig.clock);
    expect(await rig.outcome(await rig.token({ claims: { exp: now - 4 } }))).toBe('ada');
    expect(await rig.outcome(await rig.token({ claims: { exp: now - 5 } }))).toBe('401 The token has expired');
    expect(await rig.outcome(await rig.token({ claims: { nbf: now + 5 } }))).toBe('ada');
    expect(await rig.outcome(await rig.token({ claims: { nbf: now + 6 } }))).toBe(INVALID);
  });
});

describe('tokens that somebody else made', () => {
  it('refuses every change of a valid one', async () => {
    const rig = await Rig.create();
    const [header = '', payload = '', signature = ''] = (await rig.token()).split('.');
    const other = encoded({ ...JSON.parse(Buffer.from(payload, 'base64url').toString()), sub: 'eve' });
    expect(await rig.outcome(`${header}.${other}.${signature}`)).toBe(INVALID);
    expect(await rig.outcome(`${header}.${payload}.${signature.slice(0, -4)}AAAA`)).toBe(INVALID);
    expect(await rig.outcome(`${header}.${payload}.`)).toBe(INVALID);
  });

  it.each(['none', 'None', 'NONE', 'nOnE'])('refuses one that is signed by %s', async (alg) => {
    const rig = await Rig.create();
    const [, payload, signature] = (await rig.token()).split('.');
    expect(await rig.outcome(`${encoded({ alg, typ: 'at+jwt' })}.${payload}.`)).toBe(INVALID);
    expect(await rig.outcome(`${encoded({ alg, kid: 'first' })}.${payload}.${signature}`)).toBe(INVALID);
  });

  it.each(['HS256', 'HS384', 'HS512'])('refuses one that is signed by %s with the public key', async (alg) => {
    const rig = await Rig.create();
    const { jwk } = await sharedKey();
    const [, payload] = (await rig.token()).split('.');
    const signed = `${encoded({ alg, kid: 'first', typ: 'at+jwt' })}.${payload}`;
    for (const secret of [JSON.stringify(jwk), String(jwk.x)]) {
      const digest = createHmac(`sha${alg.slice(2)}`, secret)
        .update(signed)
        .digest('base64url');
      expect(await rig.outcome(`${signed}.${digest}`)).toBe(INVALID);
    }
  });

  it('refuses one with a key of its own in the header', async () => {
    const rig = await Rig.create();
    const eve = await createKey('first');
    expect(await rig.outcome(await rig.token({ key: eve, header: { jwk: eve.jwk } }))).toBe(INVALID);
    expect(await rig.outcome(await rig.token({ key: eve, header: { jku: 'https://evil.example/jwks' } }))).toBe(
      INVALID,
    );
    expect(rig.issuer.asked.every((url) => url.startsWith(ISSUER))).toBe(true);
  });

  it('refuses algorithms beyond the configured ones', async () => {
    const rig = await Rig.create({ algorithms: ['RS256'] });
    expect(await rig.outcome(await rig.token())).toBe(INVALID);
  });
});
