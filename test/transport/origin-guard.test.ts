import { describe, expect, it } from 'vitest';
import { resolveHttpOptions } from '../../src/transport/http/http-options.ts';
import { OriginGuard } from '../../src/transport/http/origin-guard.ts';

const HOST = 'Host is not allowed';
const ORIGIN = 'Origin is not allowed';

type Try = readonly [host: string | undefined, origin: string | undefined, refusal: string | undefined];

const BY_DEFAULT: readonly Try[] = [
  ['localhost', undefined, undefined],
  ['LocalHost:3000', undefined, undefined],
  ['127.0.0.1:80', undefined, undefined],
  ['[::1]', undefined, undefined],
  ['[::1]:3000', undefined, undefined],
  [undefined, undefined, HOST],
  ['', undefined, HOST],
  ['evil.example', undefined, HOST],
  ['localhost.evil.example', undefined, HOST],
  ['evil.example:localhost', undefined, HOST],
  ['user@localhost', undefined, HOST],
  ['[::1', undefined, HOST],
  ['[::2]', undefined, HOST],
  ['127.0.0.2', undefined, HOST],
  ['localhost', 'http://localhost', undefined],
  ['localhost', 'http://localhost:5173', undefined],
  ['localhost', 'HTTPS://127.0.0.1:8443', undefined],
  ['localhost', 'http://[::1]:3000', undefined],
  ['localhost', '', ORIGIN],
  ['localhost', 'null', ORIGIN],
  ['localhost', 'http://evil.example', ORIGIN],
  ['localhost', 'http://localhost.evil.example', ORIGIN],
  ['localhost', 'http://localhost/path', ORIGIN],
  ['localhost', 'file://localhost', ORIGIN],
  ['localhost', 'localhost', ORIGIN],
];

describe('OriginGuard', () => {
  it.each(BY_DEFAULT)('on loopback, Host %s with Origin %s: %s', (host, origin, refusal) => {
    expect(new OriginGuard(resolveHttpOptions({})).refuse(host, origin)).toBe(refusal);
  });

  it.each<Try>([
    ['api.example', undefined, undefined],
    ['anything', undefined, undefined],
    [undefined, undefined, undefined],
    ['api.example', 'https://app.example', ORIGIN],
    ['api.example', 'http://localhost', ORIGIN],
  ])('on all addresses, Host %s with Origin %s: %s', (host, origin, refusal) => {
    expect(new OriginGuard(resolveHttpOptions({ host: '0.0.0.0' })).refuse(host, origin)).toBe(refusal);
  });

  it.each<Try>([
    ['API.example:443', 'https://app.example', undefined],
    ['api.example', 'https://APP.example', undefined],
    ['api.example', 'https://app.example:8443', ORIGIN],
    ['api.example', 'http://app.example', ORIGIN],
    ['api.example', 'https://api.example', ORIGIN],
    ['localhost', undefined, HOST],
  ])('with names given, Host %s with Origin %s: %s', (host, origin, refusal) => {
    const options = { allowedHosts: ['api.example'], allowedOrigins: ['https://app.example'] };
    expect(new OriginGuard(resolveHttpOptions(options)).refuse(host, origin)).toBe(refusal);
  });

  it('takes every origin where that is asked for', () => {
    const guard = new OriginGuard(resolveHttpOptions({ allowedOrigins: ['*'] }));
    expect(guard.refuse('localhost', 'https://anywhere.example')).toBeUndefined();
    expect(guard.refuse('localhost', 'null')).toBeUndefined();
  });
});
