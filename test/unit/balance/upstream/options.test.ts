import { describe, expect, it } from 'vitest';
import { resolveHttpUpstreamOptions } from '../../../../src/balance/upstream/upstream-options.ts';

const resolve = (options: object) => resolveHttpUpstreamOptions(options, 'gateway.upstream');

describe('options of an upstream', () => {
  it('have defaults', () => {
    expect(resolve({ url: 'http://backend.internal:8080/mcp' })).toMatchObject({
      origin: 'http://backend.internal:8080',
      address: { host: 'backend.internal', port: 8080 },
      host: 'backend.internal:8080',
      maxConnections: 64,
      maxWaiting: 1_024,
      connectTimeoutMs: 5_000,
      idleTimeoutMs: 30_000,
      answerTimeoutMs: Number.POSITIVE_INFINITY,
      maxHeaderBytes: 16_384,
      tls: undefined,
    });
  });

  it.each([
    [{ url: 'http://a' }, { host: 'a', port: 80 }, 'a', undefined],
    [{ url: 'https://a' }, { host: 'a', port: 443 }, 'a', 'a'],
    [{ url: 'https://[::1]:8443' }, { host: '::1', port: 8443 }, '[::1]:8443', ''],
    [
      { url: 'https://10.0.0.1', host: 'tools.example:444' },
      { host: '10.0.0.1', port: 443 },
      'tools.example:444',
      'tools.example',
    ],
    [{ url: new URL('https://10.0.0.1') }, { host: '10.0.0.1', port: 443 }, '10.0.0.1', ''],
  ])('of %j', (options, address, host, servername) => {
    const resolved = resolve(options);
    expect([resolved.address, resolved.host, resolved.tls?.servername]).toEqual([address, host, servername]);
  });

  it.each([
    [{}, 'url'],
    [{ url: 'ftp://a' }, 'url'],
    [{ url: 'nonsense' }, 'url'],
    [{ url: 'http://user:secret@a' }, 'url'],
    [{ url: 'http://a', host: 'a b' }, 'host'],
    [{ url: 'http://a', host: 'a\r\nX: y' }, 'host'],
    [{ url: 'http://a', maxConnections: 0 }, 'maxConnections'],
    [{ url: 'http://a', maxWaiting: -1 }, 'maxWaiting'],
    [{ url: 'http://a', connectTimeoutMs: 0.5 }, 'connectTimeoutMs'],
    [{ url: 'http://a', idleTimeoutMs: '1' }, 'idleTimeoutMs'],
    [{ url: 'http://a', answerTimeoutMs: 0 }, 'answerTimeoutMs'],
    [{ url: 'http://a', maxHeaderBytes: 1 }, 'maxHeaderBytes'],
    [{ url: 'http://a', tls: {} }, 'tls'],
    [{ url: 'https://a', tls: { ca: 1 } }, 'tls.ca'],
    [{ url: 'https://a', tls: { rejectUnauthorized: 'no' } }, 'tls.rejectUnauthorized'],
    [{ url: 'https://a', tls: { key: 'x' } }, 'tls.key'],
    [{ url: 'http://a', clock: {} }, 'clock'],
    [{ url: 'http://a', maxConections: 1 }, 'maxConections'],
  ])('%j is refused by name', (options, name) => {
    expect(() => resolve(options)).toThrow(`"gateway.upstream.${name}"`);
  });

  it('do not show credentials when they refuse them', () => {
    expect(() => resolve({ url: 'http://user:secret@a' })).toThrow(/^(?!.*secret)/);
  });
});
