import { describe, expect, it } from 'vitest';
import { metadataUrls } from '../../../src/authorization/key-source.ts';
import { settle } from '../support/test-server.ts';
import { Rig, sharedKey } from './rig.ts';
import { createKey, ISSUER } from './test-issuer.ts';

const INVALID = '401 The token is not valid';
const UNAVAILABLE = '503 The token cannot be checked now';
const METADATA = `${ISSUER}/.well-known/oauth-authorization-server`;

describe('keys of an authorization server', () => {
  it('are read once, by its metadata, for all who need them at the same time', async () => {
    const rig = await Rig.create();
    const tokens = await Promise.all(['a', 'b', 'c', 'd'].map((sub) => rig.token({ claims: { sub } })));
    expect(await Promise.all(tokens.map((token) => rig.outcome(token)))).toEqual(['a', 'b', 'c', 'd']);
    expect(rig.issuer.asked).toEqual([METADATA, rig.issuer.jwksUrl]);
  });

  it('are found by OpenID Connect too', async () => {
    const rig = await Rig.create();
    rig.issuer.pages.delete(METADATA);
    rig.issuer.pages.set(`${ISSUER}/.well-known/openid-configuration`, () =>
      Response.json({ issuer: ISSUER, jwks_uri: rig.issuer.jwksUrl }),
    );
    expect(await rig.outcome(await rig.token())).toBe('ada');
  });

  it('are looked for in all places where an issuer with a path may have its metadata', () => {
    expect(metadataUrls('https://as.example/tenant/')).toEqual([
      'https://as.example/.well-known/oauth-authorization-server/tenant',
      'https://as.example/.well-known/openid-configuration/tenant',
      'https://as.example/tenant/.well-known/openid-configuration',
    ]);
    expect(metadataUrls('https://as.example')).toEqual([
      'https://as.example/.well-known/oauth-authorization-server',
      'https://as.example/.well-known/openid-configuration',
    ]);
  });

  it.each([
    ['of another issuer', { issuer: 'https://evil.example', jwks_uri: `${ISSUER}/jwks` }],
    ['that names keys without https', { issuer: ISSUER, jwks_uri: 'http://issuer.example/jwks' }],
    ['that names no keys', { issuer: ISSUER }],
  ])('are not read by metadata %s', async (_what, metadata) => {
    const rig = await Rig.create();
    rig.issuer.pages.set(METADATA, () => Response.json(metadata));
    expect(await rig.outcome(await rig.token())).toBe(UNAVAILABLE);
    expect(rig.issuer.keyReads).toBe(0);
    expect(rig.faults).toHaveLength(1);
  });

  it.each([
    ['no JSON', () => new Response('<html>')],
    ['no object', () => Response.json([1])],
    ['no keys', () => Response.json({ keys: 'none' })],
    ['too many keys', async () => Response.json({ keys: Array.from({ length: 101 }, () => ({ kty: 'EC' })) })],
    ['an error', () => new Response(null, { status: 500 })],
  ])('that are %s accept nobody, and do no harm', async (_what, page) => {
    const rig = await Rig.create();
    rig.issuer.pages.set(rig.issuer.jwksUrl, page);
    expect(await rig.outcome(await rig.token())).toBe(UNAVAILABLE);
  });

  it('can be given where they are, or themselves', async () => {
    const { jwk } = await sharedKey();
    const given = await Rig.create({ jwks: { keys: [jwk as Record<string, unknown>] } });
    expect([await given.outcome(await given.token()), given.issuer.asked]).toEqual(['ada', []]);
    const named = await Rig.create({ jwks: { url: `${ISSUER}/jwks` } });
    expect([await named.outcome(await named.token()), named.issuer.asked]).toEqual(['ada', [`${ISSUER}/jwks`]]);
  });
});

describe('rotation', () => {
  it('finds a new key at once, and forgets one that is gone', async () => {
    const rig = await Rig.create({ rememberSeconds: 0 });
    const old = await rig.token();
    expect(await rig.outcome(old)).toBe('ada');
    rig.issuer.keys = [await createKey('second')];
    rig.clock.advance(10_000);
    expect(await rig.outcome(await rig.token())).toBe('ada');
    expect(rig.issuer.keyReads).toBe(2);
    expect(await rig.outcome(old)).toBe(INVALID);
  });

  it('asks no more often than every ten seconds for keys that nobody knows', async () => {
    const rig = await Rig.create();
    expect(await rig.outcome(await rig.token())).toBe('ada');
    const eve = await createKey('made-up');
    for (let second = 0; second < 60; second++) {
      const strange = await rig.token({ key: eve, claims: { jti: String(second) } });
      expect(await rig.outcome(strange)).toBe(INVALID);
      rig.clock.advance(1_000);
    }
    expect(rig.issuer.keyReads).toBe(6);
  });

  it('believes a key that was taken back for ten minutes at most, while its issuer answers', async () => {
    const rig = await Rig.create({ rememberSeconds: 0 });
    expect(await rig.outcome(await rig.token())).toBe('ada');
    const [first] = rig.issuer.keys;
    rig.issuer.keys = [await createKey('second')];
    const stolen = await rig.token({ key: first as never, claims: { exp: rig.clock.wallNow() / 1_000 + 3_600 } });
    rig.clock.advance(600_000);
    await rig.outcome(stolen); // What is old serves once more, while the new keys are on their way.
    await settle();
    expect(await rig.outcome(stolen)).toBe(INVALID);
  });

  it('tells keys of one id apart by trying, where tokens name none', async () => {
    const rig = await Rig.create();
    rig.issuer.keys = [await createKey('x'), await createKey('y')];
    const second = rig.issuer.keys[1] as never;
    expect(await rig.outcome(await rig.token({ key: second, header: { kid: undefined } }))).toBe('ada');
    const eve = await createKey('z');
    expect(await rig.outcome(await rig.token({ key: eve, header: { kid: undefined } }))).toBe(INVALID);
  });
});

describe('an authorization server that is down', () => {
  it('fails no token whose key is known', async () => {
    const rig = await Rig.create({ rememberSeconds: 0 });
    expect(await rig.outcome(await rig.token())).toBe('ada');
    rig.issuer.isDown = true;
    for (let hour = 0; hour < 5; hour++) {
      rig.clock.advance(3_600_000);
      expect(await rig.outcome(await rig.token())).toBe('ada');
      await settle();
    }
    expect(rig.faults).toHaveLength(5);
  });

  it('makes others wait, and serves them once it is back', async () => {
    const rig = await Rig.create();
    rig.issuer.isDown = true;
    const token = await rig.token();
    expect(await rig.outcome(token)).toBe(UNAVAILABLE);
    const { length } = rig.issuer.asked;
    expect(await rig.outcome(token)).toBe(UNAVAILABLE);
    expect(rig.issuer.asked).toHaveLength(length);
    rig.issuer.isDown = false;
    rig.clock.advance(1_000);
    expect(await rig.outcome(token)).toBe('ada');
  });

  it('says so of a new key too, for the token may be good', async () => {
    const rig = await Rig.create();
    expect(await rig.outcome(await rig.token())).toBe('ada');
    rig.issuer.isDown = true;
    rig.issuer.keys = [await createKey('second')];
    rig.clock.advance(10_000);
    const token = await rig.token();
    expect([await rig.outcome(token), await rig.outcome(token)]).toEqual([UNAVAILABLE, UNAVAILABLE]);
  });

  it('is waited for ten seconds', async () => {
    const rig = await Rig.create({ jwks: { url: `${ISSUER}/jwks` } });
    rig.issuer.pages.set(`${ISSUER}/jwks`, () => new Promise(() => {}));
    const waiting = rig.outcome(await rig.token());
    await settle();
    rig.clock.advance(10_000);
    expect(await waiting).toBe(UNAVAILABLE);
  });
});
