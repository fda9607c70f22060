import { describe, expect, it } from 'vitest';
import { OptionError } from '../../../src/kernel/errors.ts';
import { Access } from '../../../src/monitor/access.ts';

const TOKEN = 'a-token-of-length-24-...';
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('Access', () => {
  it.each([['0.0.0.0'], ['::'], ['10.0.0.1'], ['example.org'], ['128.0.0.1'], ['127.0.0.1.example.org']])(
    'needs a token to listen on %s',
    (host) => {
      expect(() => new Access({ host, token: undefined }, 'monitor')).toThrow(/monitor\.token/);
      expect(new Access({ host, token: TOKEN }, 'monitor').host).toBe(host);
    },
  );

  it.each([[undefined], ['127.0.0.1'], ['127.9.9.9'], ['::1'], ['localhost'], ['LocalHost']])(
    'needs none on %s',
    (host) => {
      const access = new Access({ host, token: undefined }, 'monitor');
      expect(access.needsToken).toBe(false);
      expect(access.isToken('')).toBe(false);
    },
  );

  it.each([[''], ['short'], [' '.repeat(20)], [`${'a'.repeat(20)}\n`], [12345678901234567890n], [null]])(
    'refuses %o as a token and does not repeat it',
    (token) => {
      const create = () => new Access({ host: undefined, token }, 'monitor');
      expect(create).toThrow(OptionError);
      expect(create).not.toThrow(String(token).trim() || 'never');
    },
  );

  it('lets in who has the token, wherever the request says to go', () => {
    const access = new Access({ host: '0.0.0.0', token: TOKEN }, 'monitor');
    for (const header of [`Bearer ${TOKEN}`, `bearer ${TOKEN}`, `Bearer  ${TOKEN} `])
      expect(access.allows({ authorization: header, host: 'metrics.example.org' })).toBe(true);
    for (const header of [undefined, '', 'Bearer', `Basic ${TOKEN}`, TOKEN, `Bearer ${TOKEN}x`, `Bearer ${TOKEN} x`])
      expect(access.allows({ authorization: header, host: '127.0.0.1' })).toBe(false);
    for (let length = 0; length < TOKEN.length; length++)
      expect(access.allows(bearer(TOKEN.slice(0, length)))).toBe(false);
  });

  it('needs the token on loopback too where there is one', () => {
    const access = new Access({ host: undefined, token: TOKEN }, 'monitor');
    expect(access.allows({ host: '127.0.0.1:9090' })).toBe(false);
    expect(access.allows(bearer(TOKEN))).toBe(true);
  });

  it('without one lets nobody in who came by the name of another host, as pages of such a host do', () => {
    const access = new Access({ host: undefined, token: undefined }, 'monitor');
    for (const host of ['127.0.0.1', '127.0.0.1:9090', 'localhost:9090', '[::1]:9090', '[::1]', 'LOCALHOST'])
      expect(access.allows({ host })).toBe(true);
    for (const host of [undefined, '', 'evil.example', 'evil.example:9090', 'localhost.evil.example', '127.0.0.1.x:1'])
      expect(access.allows({ host })).toBe(false);
  });

  it('has a session for browsers that is not the token, stays the same, and is another for another token', () => {
    const of = (token: string | undefined) => new Access({ host: undefined, token }, 'monitor');
    const { session = '' } = of(TOKEN);
    expect(session).toMatch(/^[\w-]{43}$/);
    expect(of(TOKEN).isSession(session)).toBe(true);
    expect(of(TOKEN).isSession(session.slice(1))).toBe(false);
    expect(of(TOKEN).isToken(session)).toBe(false);
    expect(of(`${TOKEN}x`).isSession(session)).toBe(false);
    expect([of(undefined).session, of(undefined).isSession(''), of(TOKEN).isSession(TOKEN)]).toEqual([
      undefined,
      false,
      false,
    ]);
  });
});
