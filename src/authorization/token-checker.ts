import type { Clock } from '../kernel/clock.ts';
import { type AuthInfo, isObject } from '../wire/wire.ts';
import { CheckUnavailable, invalidToken, toAuthInfo } from './access.ts';
import { JwtChecker, type KeySet } from './adapter/jose.ts';
import { Introspector } from './introspection.ts';
import { type AuthorizationFetch, JsonClient } from './json-client.ts';
import { KeySource } from './key-source.ts';
import type { ResolvedAuthorization } from './options.ts';

/** What checks of tokens need of the server. */
export interface CheckerParts {
  readonly options: ResolvedAuthorization;
  readonly clock: Clock;
  readonly fetch: AuthorizationFetch;
  /** Told what clients are not told. */
  fault(error: unknown): void;
}

/** A token that was accepted. */
export interface Checked {
  readonly info: AuthInfo;
  /** How long that may be believed, in seconds; the token's expiry ends it sooner. */
  readonly believedSeconds: number;
}

const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Checks a token anew, in the way that the configuration says. */
export class TokenChecker {
  readonly #parts: CheckerParts;
  readonly #client: JsonClient;
  readonly #introspector: Introspector | undefined;
  #jwt: Promise<JwtChecker> | undefined;
  readonly #sources = new Map<string, KeySource>();
  #inlineKeys: KeySet | undefined;

  constructor(parts: CheckerParts) {
    const { introspection } = parts.options;
    this.#parts = parts;
    this.#client = new JsonClient(parts.fetch, parts.clock);
    this.#introspector = introspection && new Introspector(introspection, this.#client);
  }

  /** @throws {Denial} when the token is not valid. @throws {CheckUnavailable} when nobody could say. */
  async check(token: string, audiences: readonly string[]): Promise<Checked> {
    const { verify, rememberSeconds, introspection } = this.#parts.options;
    if (verify !== undefined) return this.#checked(await this.#ownInfo(token), rememberSeconds, audiences);
    if (JWT.test(token)) return this.#checked(await this.#jwtInfo(token, audiences), rememberSeconds, audiences);
    if (this.#introspector === undefined || introspection === undefined) throw invalidToken('The token is not valid');
    const info = this.#introspectedInfo(await this.#introspector.ask(token));
    return this.#checked(info, Math.min(rememberSeconds, introspection.cacheSeconds), audiences);
  }

  async #jwtInfo(token: string, audiences: readonly string[]): Promise<AuthInfo> {
    const { options, clock } = this.#parts;
    this.#jwt ??= JwtChecker.load();
    const jwt = await this.#jwt;
    const issuer = jwt.issuerOf(token);
    if (issuer === undefined || !options.authorizationServers.includes(issuer))
      throw invalidToken('The token is not valid');
    const { algorithms, clockToleranceSeconds: toleranceSeconds } = options;
    const checks = { issuer, audiences, algorithms, toleranceSeconds, now: clock.wallNow() };
    const claims = await this.#verify(jwt, token, checks);
    if (claims === undefined) throw invalidToken('The token is not valid');
    return toAuthInfo(issuer, claims);
  }

  async #verify(
    jwt: JwtChecker,
    token: string,
    checks: Parameters<JwtChecker['verify']>[2],
  ): Promise<Record<string, unknown> | undefined> {
    const { jwks } = this.#parts.options;
    if (jwks !== undefined && 'keys' in jwks) {
      this.#inlineKeys ??= jwt.keySet(jwks);
      return jwt.verify(token, this.#inlineKeys, checks);
    }
    const source = this.#sourceOf(checks.issuer, jwt, jwks?.url);
    const claims = await jwt.verify(token, await source.get(), checks);
    if (claims !== undefined) return claims;
    const newer = await source.newer();
    return newer === undefined ? undefined : jwt.verify(token, newer, checks);
  }

  #sourceOf(issuer: string, checker: JwtChecker, jwksUrl: string | undefined): KeySource {
    let source = this.#sources.get(issuer);
    if (source === undefined) {
      const { clock, fault } = this.#parts;
      source = new KeySource({ issuer, jwksUrl, checker, clock, fault, client: this.#client });
      this.#sources.set(issuer, source);
    }
    return source;
  }

  /** What another server says about a token is believed as far as it could be in the token itself. */
  #introspectedInfo(claims: Record<string, unknown>): AuthInfo {
    const { authorizationServers, clockToleranceSeconds } = this.#parts.options;
    const { iss = authorizationServers[0], nbf } = claims;
    if (typeof nbf === 'number' && nbf > this.#parts.clock.wallNow() / 1_000 + clockToleranceSeconds)
      throw invalidToken('The token is not valid yet');
    return toAuthInfo(String(iss), claims);
  }

  async #ownInfo(token: string): Promise<AuthInfo> {
    let answer: AuthInfo | undefined;
    try {
      answer = await this.#parts.options.verify?.(token);
    } catch (cause) {
      this.#parts.fault(cause);
      throw new CheckUnavailable('authorization.verify failed', { cause });
    }
    if (answer === undefined) throw invalidToken('The token is not valid');
    if (isObject(answer) && Array.isArray(answer.scopes) && Array.isArray(answer.audience))
      return Object.freeze({ ...answer });
    const wrong = new TypeError('authorization.verify must answer an AuthInfo or undefined');
    this.#parts.fault(wrong);
    throw new CheckUnavailable(wrong.message);
  }

  /** What holds for every token, wherever its claims are from. */
  #checked(info: AuthInfo, believedSeconds: number, audiences: readonly string[]): Checked {
    const { authorizationServers, clockToleranceSeconds } = this.#parts.options;
    if (!authorizationServers.includes(info.issuer)) throw invalidToken('The token is not valid');
    if (!info.audience.some((audience) => audiences.includes(audience)))
      throw invalidToken('The token is not for this resource');
    const { expiresAt } = info;
    if (expiresAt !== undefined && expiresAt + clockToleranceSeconds <= this.#parts.clock.wallNow() / 1_000)
      throw invalidToken('The token has expired');
    if (info.subject === undefined && info.clientId === undefined) throw invalidToken('The token names nobody');
    // Whoever presents such a token has to prove that it is its own, which is not served here (RFC 8705, RFC 9449).
    if (info.claims?.['cnf'] !== undefined) throw invalidToken('The token is bound to a key');
    return { info, believedSeconds };
  }
}
