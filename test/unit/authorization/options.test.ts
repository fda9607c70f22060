import { describe, expect, it } from 'vitest';
import { resolveAuthorization } from '../../../src/authorization/authorization.ts';
import { serverWith } from '../support/test-server.ts';

const authorizationServers = ['https://as.example'];
const introspection = { url: 'https://as.example/i', clientId: 'rs', clientSecret: 'hush' };
const resolve = (options: object) => resolveAuthorization({ authorizationServers, ...options });

describe('the options of authorization', () => {
  it.each<[option: string, given: object]>([
    ['authorization.authorizationServers', { authorizationServers: [] }],
    ['authorization.authorizationServers', { authorizationServers: ['http://as.example'] }],
    ['authorization.authorizationServers', { authorizationServers: ['as.example'] }],
    ['authorization.authorizationServers', { authorizationServers: ['https://user:pass@as.example'] }],
    ['authorization.resource', { resource: 'mcp.example' }],
    ['authorization.resource', { resource: 'http://mcp.example/mcp' }],
    ['authorization.resource', { resource: 'https://mcp.example/mcp#part' }],
    ['authorization.algorithms', { algorithms: ['none'] }],
    ['authorization.algorithms', { algorithms: ['RS256', 'HS256'] }],
    ['authorization.algorithms', { algorithms: [] }],
    ['authorization.jwks', { jwks: {} }],
    ['authorization.jwks', { jwks: { url: 'https://as.example/jwks', keys: [{ kty: 'EC' }] } }],
    [
      'authorization.jwks',
      { jwks: { keys: [{ kty: 'EC' }] }, authorizationServers: ['https://a.example', 'https://b.example'] },
    ],
    ['authorization.jwks.url', { jwks: { url: 'http://as.example/jwks' } }],
    ['authorization.jwks.keys', { jwks: { keys: [] } }],
    ['authorization.jwks.keys', { jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] } }],
    ['authorization.jwks.keys', { jwks: { keys: [{ kty: 'EC', d: 'private' }] } }],
    ['authorization.introspection.url', { introspection: { ...introspection, url: 'http://as.example' } }],
    ['authorization.introspection.clientSecret', { introspection: { ...introspection, clientSecret: 7 } }],
    ['authorization.introspection.cacheSeconds', { introspection: { ...introspection, cacheSeconds: -1 } }],
    ['authorization.requiredScopes', { requiredScopes: ['two words'] }],
    ['authorization.scopesSupported', { scopesSupported: ['"quoted"'] }],
    ['authorization.impliedScopes.write', { impliedScopes: { write: 'read' } }],
    ['authorization.clockToleranceSeconds', { clockToleranceSeconds: 301 }],
    ['authorization.maxTokenLength', { maxTokenLength: 0 }],
    ['authorization.rememberSeconds', { rememberSeconds: 'long' }],
    ['authorization.verify', { verify: 'yes' }],
    ['authorization.issuer', { issuer: 'https://as.example' }],
  ])('name %s when it is wrong', (option, given) => {
    expect(() => resolve(given)).toThrow(`option "${option}"`);
  });

  it('show no secret', () => {
    const keys = [{ kty: 'EC', d: 'hush' }];
    for (const given of [{ jwks: { keys } }, { introspection: { ...introspection, clientSecret: ['hush'] } }])
      expect(() => resolve(given)).toThrow(expect.objectContaining({ message: expect.not.stringContaining('hush') }));
  });

  it('allow http on loopback', () => {
    const given = { authorizationServers: ['http://localhost:4000'], resource: 'http://127.0.0.1:3000/mcp' };
    expect(resolve(given)).toMatchObject(given);
  });

  it('need the resource where the server is reached by another name than it listens on', () => {
    const authorization = { authorizationServers };
    expect(() => serverWith(undefined, { authorization, http: { host: '0.0.0.0' } })).toThrow('authorization.resource');
    expect(serverWith(undefined, { authorization })).toBeDefined();
    const resource = 'https://mcp.example/mcp';
    expect(
      serverWith(undefined, { authorization: { ...authorization, resource }, http: { host: '0.0.0.0' } }),
    ).toBeDefined();
  });

  it('follow what scopes include through others, in circles too', () => {
    const impliedScopes = { a: ['b'], b: ['c'], c: ['a'] };
    expect(resolve({ impliedScopes })?.impliedScopes.get('a')).toEqual(['a', 'b', 'c']);
  });
});
