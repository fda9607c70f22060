import type * as Jose from 'jose';
import { invalidToken } from '../access.ts';

/** The keys of one authorization server. */
export type KeySet = ReturnType<typeof Jose.createLocalJWKSet>;

/** What a token must be. */
export interface TokenChecks {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly algorithms: readonly string[];
  readonly toleranceSeconds: number;
  /** Wall-clock time, in milliseconds. */
  readonly now: number;
}

/** Access tokens by RFC 9068, and those of the many servers that do not name the type. */
const TYPES: ReadonlySet<string> = new Set(['at+jwt', 'jwt']);
const MAX_KEYS = 100;

/** Checks JSON Web Tokens. */
export class JwtChecker {
  readonly #jose: typeof Jose;

  private constructor(jose: typeof Jose) {
    this.#jose = jose;
  }

  /** Loads the library: servers without authorization do not pay for it. */
  static async load(): Promise<JwtChecker> {
    return new JwtChecker(await import('jose'));
  }

  /** @throws {TypeError} when these are no public keys. */
  keySet(value: unknown): KeySet {
    const { keys } = (value ?? {}) as { readonly keys?: unknown };
    if (!Array.isArray(keys) || keys.length > MAX_KEYS) throw new TypeError(`there must be at most ${MAX_KEYS} keys`);
    return this.#jose.createLocalJWKSet(value as Jose.JSONWebKeySet);
  }

  /** The issuer that a token names; nothing is checked yet. Nothing for what is no such token. */
  issuerOf(token: string): string | undefined {
    try {
      return this.#jose.decodeJwt(token).iss;
    } catch {
      return undefined;
    }
  }

  /**
   * @returns The token's claims; nothing when it is signed by a key that is not in the set.
   * @throws {Denial} when it is not valid.
   */
  async verify(token: string, keys: KeySet, checks: TokenChecks): Promise<Record<string, unknown> | undefined> {
    const { errors } = this.#jose;
    try {
      return await this.#verifyWith(token, keys, checks);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) return undefined;
      if (error instanceof errors.JWKSMultipleMatchingKeys) return this.#tryAll(token, error, checks);
      throw this.#toDenial(error);
    }
  }

  /** A token without a key's id is tried with each that it may be of. */
  async #tryAll(
    token: string,
    candidates: AsyncIterable<Jose.CryptoKey>,
    checks: TokenChecks,
  ): Promise<Record<string, unknown> | undefined> {
    for await (const key of candidates) {
      try {
        return await this.#verifyWith(token, key, checks);
      } catch (error) {
        if (!(error instanceof this.#jose.errors.JWSSignatureVerificationFailed)) throw this.#toDenial(error);
      }
    }
    return undefined;
  }

  async #verifyWith(
    token: string,
    key: KeySet | Jose.CryptoKey,
    checks: TokenChecks,
  ): Promise<Record<string, unknown>> {
    const { payload, protectedHeader } = await this.#jose.jwtVerify(token, key as KeySet, {
      issuer: checks.issuer,
      audience: [...checks.audiences],
      algorithms: [...checks.algorithms] as Jose.JWSAlgorithm[],
      clockTolerance: checks.toleranceSeconds,
      currentDate: new Date(checks.now),
      requiredClaims: ['exp'],
    });
    const type = protectedHeader.typ?.toLowerCase().replace(/^application\//, '');
    if (type !== undefined && !TYPES.has(type)) throw invalidToken('The token is no access token');
    return payload;
  }

  #toDenial(error: unknown): unknown {
    const { errors } = this.#jose;
    if (error instanceof errors.JWTExpired) return invalidToken('The token has expired');
    if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud')
      return invalidToken('The token is not for this resource');
    return error instanceof errors.JOSEError ? invalidToken('The token is not valid') : error;
  }
}
