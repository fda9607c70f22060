import { describe, expect, it } from 'vitest';
import { Rig } from './rig.ts';
import { ISSUER, RESOURCE } from './test-issuer.ts';

const URL = `${ISSUER}/introspect`;
const introspection = { url: URL, clientId: 'notes server', clientSecret: 'p:a s+s%', cacheSeconds: 30 };
const UNAVAILABLE = '503 The token cannot be checked now';

/** A rig whose issuer says this of every token. */
async function saying(answer: Record<string, unknown>, options = {}) {
  const rig = await Rig.create({ introspection, ...options });
  const said = { current: answer };
  rig.issuer.pages.set(URL, () => Response.json(said.current));
  const exp = Math.floor(rig.clock.wallNow() / 1_000) + 600;
  const active = { active: true, sub: 'ada', client_id: 'app', aud: RESOURCE, scope: 'read', exp, iss: ISSUER };
  return { rig, said, active, exp };
}

describe('tokens that say nothing themselves', () => {
  it('are asked for at the authorization server, by the credentials of this one', async () => {
    const { rig, said, active } = await saying({});
    said.current = active;
    expect(await rig.outcome('opaque')).toBe('ada');
    expect(rig.issuer.bodies).toEqual(['token=opaque&token_type_hint=access_token']);
    const [{ authorization } = {}] = rig.issuer.headers;
    const [id, secret] = atob(authorization?.slice('Basic '.length) ?? '').split(':');
    expect([id, secret]).toEqual(['notes+server', 'p%3Aa+s%2Bs%25']);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['is not active', { active: false }, '401 The token is not active'],
    ['is active in some way', { active: 'true' }, '401 The token is not active'],
    ['is for another resource', { aud: 'https://other.example' }, '401 The token is not for this resource'],
    ['is for nobody', { aud: undefined }, '401 The token is not for this resource'],
    ['is of another issuer', { iss: 'https://evil.example' }, '401 The token is not valid'],
    ['has expired', { exp: 1 }, '401 The token has expired'],
    ['is not valid yet', { nbf: 99_999_999_999 }, '401 The token is not valid yet'],
    ['names nobody', { sub: undefined, client_id: undefined }, '401 The token names nobody'],
  ])('are refused where one %s', async (_what, changes, reason) => {
    const { rig, said, active } = await saying({});
    said.current = { ...active, ...changes };
    expect(await rig.outcome('opaque')).toBe(reason);
  });

  it('are of the configured issuer where the answer names none', async () => {
    const { rig, said, active } = await saying({});
    const { iss: _, ...rest } = active;
    said.current = rest;
    expect(await rig.outcome('opaque')).toBe('ada');
  });

  it('are believed for so long, or as long as they live, and when taken back no longer', async () => {
    const { rig, said, active, exp } = await saying({}, { clockToleranceSeconds: 0 });
    said.current = active;
    await rig.outcome('opaque');
    rig.clock.advance(29_999);
    said.current = { active: false };
    expect(await rig.outcome('opaque')).toBe('ada');
    rig.clock.advance(1);
    expect(await rig.outcome('opaque')).toBe('401 The token is not active');
    said.current = { ...active, exp: exp - 565 };
    await rig.outcome('short');
    rig.clock.advance(5_000);
    said.current = { active: false };
    expect(await rig.outcome('short')).toBe('401 The token is not active');
  });

  it('make nobody wait at the client when their server is down, nor when it refuses this one', async () => {
    const { rig, said, active } = await saying({});
    said.current = active;
    rig.issuer.isDown = true;
    expect(await rig.outcome('opaque')).toBe(UNAVAILABLE);
    rig.issuer.isDown = false;
    expect(await rig.outcome('opaque')).toBe('ada');
    rig.issuer.pages.set(URL, () => new Response('{"error":"invalid_client"}', { status: 401 }));
    expect(await rig.outcome('another')).toBe(UNAVAILABLE);
    expect(rig.faults.map(String).join()).not.toContain('p:a');
  });

  it('are refused where nobody can be asked', async () => {
    const rig = await Rig.create();
    expect(await rig.outcome('opaque')).toBe('401 The token is not valid');
    expect(rig.issuer.asked).toEqual([]);
  });
});
