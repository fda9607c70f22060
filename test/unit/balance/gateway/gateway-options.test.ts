import { describe, expect, it } from 'vitest';
import { resolveGateway } from '../../../../src/balance/gateway/gateway-options.ts';

const endpoints = ['http://10.0.0.7:3000/mcp'];
const shop = (more: object) => ({ servers: { shop: { endpoints, ...more } } });

describe("a gateway's configuration", () => {
  it('needs nothing but where the replicas are', () => {
    const { listen, admin, servers, drain } = resolveGateway(shop({}));
    expect(listen).toMatchObject({ host: '127.0.0.1', port: 8_080, tls: undefined });
    expect([admin, drain]).toEqual([undefined, { delayMs: 0, deadlineMs: 25_000 }]);
    expect(servers.get('shop')).toMatchObject({
      name: 'shop',
      route: {
        path: '/mcp',
        maxInFlight: 10_000,
        forwardAuthorization: true,
        cache: { maxEntries: 1_000, maxBytes: 16_777_216, maxTtlMs: 3_600_000 },
      },
      backing: {
        options: {
          algorithm: 'least-connections',
          safeTools: [],
          retries: { share: 0.2, perSecond: 10, deadlineMs: 30_000 },
          hedging: undefined,
          breaker: { threshold: 5, timeoutMs: 10_000, resetMs: 30_000 },
          health: { path: undefined, intervalMs: 5_000, timeoutMs: 2_000 },
        },
      },
    });
  });

  it('can turn off what is on, and on what is off', () => {
    const { servers } = resolveGateway(shop({ retries: false, health: false, cache: false, hedging: true }));
    expect(servers.get('shop')).toMatchObject({
      route: { cache: undefined },
      backing: { options: { retries: { share: 0, perSecond: 0 }, health: undefined, hedging: { share: 0.02 } } },
    });
  });

  it.each([
    ['no object', [], '"config" must be an object'],
    ['nothing', undefined, '"config" must be an object'],
    ['no servers', {}, '"servers" must be an object with at least one server'],
    ['servers that are none', { servers: {} }, '"servers" must be an object with at least one server'],
    ['a name that cannot be one', { servers: { 'a b': { endpoints } } }, '"servers.a b" must be named by'],
    ['a mistyped key', { ...shop({}), listne: {} }, '"listne" is not known (did you mean "listen"?)'],
    ['a mistyped key of a server', shop({ algoritm: 'x' }), '"servers.shop.algoritm" is not known'],
    ['processes without a command', { servers: { shop: { stdio: {} } } }, '"servers.shop.stdio.command" must be'],
    ['processes and replicas', shop({ stdio: { command: 'x' } }), '"servers.shop.endpoints" has no meaning beside'],
    ['a merge of the unknown', { ...shop({}), merge: { servers: { shoe: 'x' } } }, '"merge.servers.shoe" is not known'],
    ['a merge under a path that is taken', { ...shop({ path: '/mcp' }), merge: {} }, 'than that of "merge"'],
    ['a separator that is none', { ...shop({}), merge: { separator: ' ' } }, '"merge.separator" must be'],
    ['no replicas', { servers: { shop: {} } }, '"servers.shop" must have exactly one of endpoints, dns, kubernetes'],
    ['two sources', shop({ dns: { name: 'x', port: 1 } }), '"servers.shop" must have exactly one of'],
    ['a URL that is none', shop({ endpoints: ['x'] }), '"servers.shop.endpoints[0]" must be a URL'],
    ['a weight that is none', shop({ endpoints: [{ url: endpoints[0], weight: -1 }] }), 'endpoints[0].weight" must be'],
    ['a name without a port', { servers: { shop: { dns: { name: 'x' } } } }, '"servers.shop.dns.port"'],
    ['a path that is none', shop({ path: 'mcp' }), '"servers.shop.path" must start with /'],
    ['an algorithm that is none', shop({ algorithm: 'best' }), '"servers.shop.algorithm" must be one of round-robin'],
    ['a share above 1', shop({ retries: { share: 2 } }), '"servers.shop.retries.share" must be a number from 0 to 1'],
    ['a probe that is none', shop({ health: { path: 'livez' } }), '"servers.shop.health.path" must start with /'],
    ['a breaker that is none', shop({ breaker: { threshold: 0 } }), '"servers.shop.breaker.threshold" must be'],
    ['a cache that is none', shop({ cache: { entries: 1 } }), '"servers.shop.cache.entries" is not known'],
    ['tools that are none', shop({ safeTools: 'all' }), '"servers.shop.safeTools" must be a list'],
    ['a port that is none', { ...shop({}), listen: { port: -1 } }, '"listen.port" must be an integer'],
    ['half of a certificate', { ...shop({}), listen: { tls: { certFile: 'x' } } }, '"listen.tls.keyFile" must be'],
    ['an admin port that is none', { ...shop({}), admin: { port: 'x' } }, '"admin.port" must be an integer'],
    [
      'one path for two servers',
      { servers: { a: { endpoints }, b: { endpoints } } },
      '"servers.b.path" must be another one than that of "a"',
    ],
  ])('is refused with %s', (_, config, message) => {
    expect(() => resolveGateway(config)).toThrow(message);
  });

  it('is refused with a weak secret, which the error does not tell', () => {
    const secret = 'hunter2';
    const attempt = () => resolveGateway({ ...shop({}), sessionSecret: secret });
    expect(attempt).toThrow('"sessionSecret" must be a string of 32 characters or more');
    expect(attempt).not.toThrow(secret);
  });
});
