import type { Clock } from '../kernel/clock.ts';
import { CheckUnavailable } from './access.ts';
import type { JwtChecker, KeySet } from './adapter/jose.ts';
import type { JsonClient } from './json-client.ts';
import { isTrustedUrl } from './urls.ts';

/** How long keys are used before they are asked for again, while the old ones serve. */
const MAX_AGE_MS = 600_000;
/** Shortest time between two questions, so that tokens with made-up key ids cause no flood of them. */
export const COOL_DOWN_MS = 10_000;
const RETRY_MS = 1_000;

/** What keys come from. */
export interface KeySourceParts {
  readonly issuer: string;
  /** Where the keys are; by default the issuer's metadata says so. */
  readonly jwksUrl: string | undefined;
  readonly client: JsonClient;
  readonly checker: JwtChecker;
  readonly clock: Clock;
  /** Told when the issuer cannot be asked. */
  fault(error: unknown): void;
}

/**
 * The keys of one issuer, kept while it cannot be reached: tokens that are signed by a known key do not depend on it.
 *
 * @see RFC 8414, section 3; OpenID Connect Discovery 1.0, section 4
 */
export class KeySource {
  readonly #parts: KeySourceParts;
  #jwksUrl: string | undefined;
  #keys: KeySet | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #hasFailed = false;
  #asking: Promise<KeySet> | undefined;

  constructor(parts: KeySourceParts) {
    this.#parts = parts;
    this.#jwksUrl = parts.jwksUrl;
  }

  /** The keys that are known; asks for them when there are none, and in the background when they are old. */
  get(): KeySet | Promise<KeySet> {
    const age = this.#parts.clock.now() - this.#askedAt;
    if (this.#keys === undefined) return this.#hasFailed && age < RETRY_MS ? this.#unavailable() : this.#ask();
    if (age >= MAX_AGE_MS) this.#ask().catch(() => {}); // That has been told.
    return this.#keys;
  }

  /**
   * Newer keys, for a token whose key is not among those that are known. Nothing when it is too early to ask again.
   *
   * @throws {CheckUnavailable}
   */
  async newer(): Promise<KeySet | undefined> {
    if (this.#asking !== undefined) return this.#asking;
    if (this.#parts.clock.now() - this.#askedAt >= COOL_DOWN_MS) return this.#ask();
    return this.#hasFailed ? this.#unavailable() : undefined;
  }

  async #unavailable(): Promise<never> {
    throw new CheckUnavailable(`the keys of ${this.#parts.issuer} cannot be had`);
  }

  /** All who need them at the same time wait for one answer. */
  #ask(): Promise<KeySet> {
    this.#asking ??= this.#load().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #load(): Promise<KeySet> {
    const { client, checker, clock, jwksUrl, fault } = this.#parts;
    this.#askedAt = clock.now();
    try {
      this.#jwksUrl ??= await this.#discover();
      this.#keys = checker.keySet(await client.read(this.#jwksUrl));
      this.#hasFailed = false;
      return this.#keys;
    } catch (cause) {
      this.#hasFailed = true;
      this.#jwksUrl = jwksUrl; // It may have moved.
      fault(cause);
      throw cause instanceof CheckUnavailable ? cause : new CheckUnavailable('the keys cannot be read', { cause });
    }
  }

  /** Asks for the issuer's metadata in all places where it may be. */
  async #discover(): Promise<string> {
    const { issuer, client } = this.#parts;
    let failure: unknown;
    for (const url of metadataUrls(issuer)) {
      try {
        const { issuer: named, jwks_uri: jwksUri } = await client.read(url);
        if (named !== issuer) throw new CheckUnavailable(`${url} is the metadata of another issuer`);
        if (!isTrustedUrl(jwksUri)) throw new CheckUnavailable(`${url} names no jwks_uri with https`);
        return jwksUri;
      } catch (error) {
        failure ??= error;
      }
    }
    throw failure;
  }
}

/** Where an issuer's metadata may be, by RFC 8414 and by OpenID Connect. */
export function metadataUrls(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  return [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    ...(path === '' ? [] : [`${origin}/.well-known/openid-configuration${path}`]),
    `${origin}${path}/.well-known/openid-configuration`,
  ];
}
