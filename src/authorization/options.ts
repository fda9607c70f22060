import { OptionError } from '../kernel/errors.ts';
import { functionOption, integerOption, objectOption, stringListOption, stringOption } from '../kernel/options.ts';
import { type AuthInfo, isScope } from '../wire/wire.ts';
import type { ResolvedIntrospection } from './introspection.ts';
import { trustedUrlOption } from './urls.ts';

/** Asking the authorization server about tokens that are no JWTs (RFC 7662). */
export interface IntrospectionOptions {
  readonly url: string;
  /** What this server is called there. */
  readonly clientId: string;
  readonly clientSecret: string;
  /** How long an answer is believed, in seconds; never longer than the token lives. @default 30 */
  readonly cacheSeconds?: number;
}

/** Public keys: where they are, or the keys themselves. */
export type JwksOptions = { readonly url: string } | { readonly keys: readonly Record<string, unknown>[] };

/** Says who is behind a token, in a way of the author's own; nothing for a token that is not valid. */
export type VerifyToken = (token: string) => AuthInfo | undefined | Promise<AuthInfo | undefined>;

/** Who may use the server over HTTP: the server as an OAuth 2.1 resource server. */
export interface AuthorizationOptions {
  /**
   * The server's URL as clients know it: tokens must be for it. Needed unless the server is reached where it listens, on
   * loopback. @default the endpoint's URL
   */
  readonly resource?: string;
  /** The issuers whose tokens are accepted. */
  readonly authorizationServers: readonly string[];
  /** Audiences that stand for this server. @default the resource */
  readonly audience?: string | readonly string[];
  /** Keys of the only authorization server. @default those that the servers' metadata name */
  readonly jwks?: JwksOptions;
  readonly introspection?: IntrospectionOptions;
  /** @default those of RSA, ECDSA and EdDSA; others cannot be given */
  readonly algorithms?: readonly string[];
  /** Scopes that each request needs. @default [] */
  readonly requiredScopes?: readonly string[];
  /** What clients may ask for. @default all that requests need */
  readonly scopesSupported?: readonly string[];
  /** Scopes that include others: `{ 'files:write': ['files:read'] }`. */
  readonly impliedScopes?: { readonly [scope: string]: readonly string[] };
  /** How far clocks may be apart, in seconds. @default 5 */
  readonly clockToleranceSeconds?: number;
  /** Longest token, in characters. @default 8_192 */
  readonly maxTokenLength?: number;
  /** Longest time that a checked token is believed without another check, in seconds. @default 300 */
  readonly rememberSeconds?: number;
  /** What people are told that they give access to. @default the server's title or name */
  readonly resourceName?: string;
  /** A page for developers. */
  readonly resourceDocumentation?: string;
  /** Checks tokens instead of all that. Issuer, audience and expiry of what it answers are checked nevertheless. */
  readonly verify?: VerifyToken;
}

/** The same, checked. */
export interface ResolvedAuthorization {
  readonly resource: string | undefined;
  readonly authorizationServers: readonly string[];
  readonly audience: readonly string[];
  readonly jwks: JwksOptions | undefined;
  readonly introspection: ResolvedIntrospection | undefined;
  readonly algorithms: readonly string[];
  readonly requiredScopes: readonly string[];
  readonly scopesSupported: readonly string[] | undefined;
  readonly impliedScopes: ReadonlyMap<string, readonly string[]>;
  readonly clockToleranceSeconds: number;
  readonly maxTokenLength: number;
  readonly rememberSeconds: number;
  readonly resourceName: string | undefined;
  readonly resourceDocumentation: string | undefined;
  readonly verify: VerifyToken | undefined;
}

const KEYS = [
  'resource',
  'authorizationServers',
  'audience',
  'jwks',
  'introspection',
  'algorithms',
  'requiredScopes',
  'scopesSupported',
  'impliedScopes',
  'clockToleranceSeconds',
  'maxTokenLength',
  'rememberSeconds',
  'resourceName',
  'resourceDocumentation',
  'verify',
] as const;

/** Signatures by a key that only the issuer has. With a shared secret, or none, whoever knows the public key makes tokens. */
const ALGORITHMS: readonly string[] = Object.freeze([
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]);
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth'];
const SECONDS = { min: 0, max: 86_400 };

/** Checks the options and fills in the defaults. @throws {OptionError} whose message has no secret in it. */
export function resolveAuthorization(options: unknown): ResolvedAuthorization | undefined {
  if (options === undefined) return undefined;
  const given = objectOption('authorization', options, KEYS);
  const servers = issuersOption(given.authorizationServers);
  if (given.jwks !== undefined && servers.length > 1)
    throw new OptionError('authorization.jwks', 'must be absent with several authorizationServers', given.jwks);
  const { resource, audience, resourceName, resourceDocumentation } = given;
  return Object.freeze({
    resource: resource === undefined ? undefined : trustedUrlOption('authorization.resource', resource),
    authorizationServers: servers,
    audience: stringListOption('authorization.audience', typeof audience === 'string' ? [audience] : audience, []),
    jwks: jwksOption(given.jwks),
    introspection: introspectionOption(given.introspection),
    algorithms: algorithmsOption(given.algorithms),
    requiredScopes: scopesOption('authorization.requiredScopes', given.requiredScopes),
    scopesSupported:
      given.scopesSupported === undefined
        ? undefined
        : scopesOption('authorization.scopesSupported', given.scopesSupported),
    impliedScopes: impliedOption(given.impliedScopes),
    clockToleranceSeconds: integerOption('authorization.clockToleranceSeconds', given.clockToleranceSeconds, 5, {
      min: 0,
      max: 300,
    }),
    maxTokenLength: integerOption('authorization.maxTokenLength', given.maxTokenLength, 8_192, {
      min: 16,
      max: 65_536,
    }),
    rememberSeconds: integerOption('authorization.rememberSeconds', given.rememberSeconds, 300, SECONDS),
    resourceName: resourceName === undefined ? undefined : stringOption('authorization.resourceName', resourceName),
    resourceDocumentation:
      resourceDocumentation === undefined
        ? undefined
        : trustedUrlOption('authorization.resourceDocumentation', resourceDocumentation),
    verify: functionOption<VerifyToken | undefined>('authorization.verify', given.verify, undefined),
  });
}

/** A list of OAuth scopes, each once. @throws {OptionError} */
export function scopesOption(name: string, value: unknown): readonly string[] {
  const scopes = stringListOption(name, value, []);
  const wrong = scopes.find((scope) => !isScope(scope));
  if (wrong !== undefined)
    throw new OptionError(name, 'must hold scopes without blanks, quotes and backslashes', wrong);
  return Object.freeze([...new Set(scopes)]);
}

function issuersOption(value: unknown): readonly string[] {
  const name = 'authorization.authorizationServers';
  const servers = stringListOption(name, value, []);
  if (servers.length === 0) throw new OptionError(name, 'must name at least one issuer', value);
  for (const server of servers) trustedUrlOption(name, server);
  return servers;
}

function jwksOption(value: unknown): JwksOptions | undefined {
  if (value === undefined) return undefined;
  const name = 'authorization.jwks';
  const { url, keys } = objectOption(name, value, ['url', 'keys']);
  if ((url === undefined) === (keys === undefined)) throw new OptionError(name, 'must have either url or keys', value);
  if (url !== undefined) return { url: trustedUrlOption(`${name}.url`, url) };
  const all = Array.isArray(keys) ? (keys as unknown[]) : [];
  if (all.length === 0 || !all.every(isPublicKey))
    throw new OptionError(`${name}.keys`, 'must be a list of public keys', 'something else');
  return { keys: all as Record<string, unknown>[] };
}

function isPublicKey(key: unknown): boolean {
  if (typeof key !== 'object' || key === null || typeof (key as { kty?: unknown }).kty !== 'string') return false;
  return (key as { kty: string }).kty !== 'oct' && PRIVATE_MEMBERS.every((member) => !(member in key));
}

function introspectionOption(value: unknown): ResolvedIntrospection | undefined {
  if (value === undefined) return undefined;
  const name = 'authorization.introspection';
  const given = objectOption(name, value, ['url', 'clientId', 'clientSecret', 'cacheSeconds']);
  const { clientSecret } = given;
  if (typeof clientSecret !== 'string' || clientSecret === '')
    throw new OptionError(`${name}.clientSecret`, 'must be a non-empty string', 'something else');
  return Object.freeze({
    url: trustedUrlOption(`${name}.url`, given.url),
    clientId: stringOption(`${name}.clientId`, given.clientId),
    clientSecret,
    cacheSeconds: integerOption(`${name}.cacheSeconds`, given.cacheSeconds, 30, SECONDS),
  });
}

function algorithmsOption(value: unknown): readonly string[] {
  const name = 'authorization.algorithms';
  const chosen = stringListOption(name, value, ALGORITHMS);
  const wrong = chosen.find((algorithm) => !ALGORITHMS.includes(algorithm));
  if (wrong !== undefined || chosen.length === 0)
    throw new OptionError(name, `must be among ${ALGORITHMS.join(', ')}`, wrong ?? value);
  return chosen;
}

/** Each scope with all that it implies, by others too. */
function impliedOption(value: unknown): ReadonlyMap<string, readonly string[]> {
  const name = 'authorization.impliedScopes';
  const given = objectOption(name, value, Object.keys(value ?? {}));
  const direct = new Map(
    Object.entries(given).map(([scope, implied]) => {
      scopesOption(name, [scope]);
      return [scope, scopesOption(`${name}.${scope}`, implied)];
    }),
  );
  const all = new Map<string, readonly string[]>();
  for (const scope of direct.keys()) {
    const reached = new Set([scope]);
    for (const each of reached) for (const next of direct.get(each) ?? []) reached.add(next);
    all.set(scope, [...reached]);
  }
  return all;
}
