/** The contract of `authorization/`: who makes a request, and what it may do. */
import { hash } from 'node:crypto';
import type { AuthInfo } from '../wire/wire.ts';
import { type Access, CheckUnavailable, Denial } from './access.ts';
import { challenge, readBearer } from './bearer.ts';
import { resourceMetadata } from './resource-metadata.ts';
import { type Checked, type CheckerParts, TokenChecker } from './token-checker.ts';
import { TokenMemory } from './token-memory.ts';
import { resourceMetadataUrl } from './urls.ts';

export { type Access, Denial } from './access.ts';
export type { AuthorizationFetch } from './json-client.ts';
export {
  type AuthorizationOptions,
  type IntrospectionOptions,
  type JwksOptions,
  type ResolvedAuthorization,
  resolveAuthorization,
  type VerifyToken,
} from './options.ts';

/** What a server's authorization is made of. */
export interface AuthorizationParts extends CheckerParts {
  /** Where the server listens, if that is known before it does. */
  readonly endpointUrl: string | undefined;
  /** What the server is called. */
  readonly name: string;
  /** All scopes that something registered needs. */
  scopes(): Iterable<string>;
}

const MAX_REMEMBERED = 10_000;
/** How long a token that was refused is refused again without a check. */
const REFUSED_MS = 10_000;
/** Checks at one time; more would make all of them slow. */
const MAX_CHECKS = 1_024;
const UNAVAILABLE = new Denial(503, undefined, 'The token cannot be checked now');

/** Checks tokens, remembers what came of it, and says what clients are told. */
export class Authorization {
  readonly #parts: AuthorizationParts;
  readonly #checker: TokenChecker;
  readonly #accesses = new TokenMemory<Access>(MAX_REMEMBERED);
  readonly #denials = new TokenMemory<Denial>(MAX_REMEMBERED);
  readonly #checks = new Map<string, Promise<Access | Denial>>();
  #resource: string | undefined;
  #audiences: readonly string[] = [];
  #metadataUrl = '';

  constructor(parts: AuthorizationParts) {
    this.#parts = parts;
    this.#checker = new TokenChecker(parts);
    const url = parts.options.resource ?? parts.endpointUrl;
    if (url !== undefined) this.#setResource(url);
  }

  /** The server listens: where no resource was configured, that is it. */
  servedAt(url: string): void {
    if (this.#parts.options.resource === undefined) this.#setResource(url);
  }

  #setResource(url: string): void {
    const { audience } = this.#parts.options;
    this.#resource = url;
    // A URL without a path may be written with a slash, and official clients do.
    this.#audiences = audience.length > 0 ? audience : [...new Set([url, new URL(url).href])];
    this.#metadataUrl = resourceMetadataUrl(url);
  }

  /** The path of the resource, as clients see it. */
  get resourcePath(): string | undefined {
    return this.#resource === undefined ? undefined : new URL(this.#resource).pathname;
  }

  /** Who sends this header; at once where the token is known. Never rejects. */
  admit(header: string | undefined): Access | Denial | Promise<Access | Denial> {
    const { options, clock } = this.#parts;
    const token = readBearer(header, options.maxTokenLength);
    if (token instanceof Denial) return token.status === 401 ? this.#asking(token) : token;
    const digest = hash('sha256', token, 'base64url');
    const now = clock.wallNow();
    const known = this.#accesses.get(digest, now) ?? this.#denials.get(digest, now) ?? this.#checks.get(digest);
    if (known !== undefined) return known;
    if (this.#checks.size >= MAX_CHECKS) return UNAVAILABLE;
    const checking = this.#check(token, digest).finally(() => this.#checks.delete(digest));
    this.#checks.set(digest, checking);
    return checking;
  }

  async #check(token: string, digest: string): Promise<Access | Denial> {
    const { clock, fault } = this.#parts;
    try {
      const checked = await this.#checker.check(token, this.#audiences);
      const access = this.#accessOf(checked);
      this.#accesses.set(digest, access, access.expiresAt);
      return access;
    } catch (error) {
      if (error instanceof Denial) {
        const denial = this.#asking(error);
        this.#denials.set(digest, denial, clock.wallNow() + REFUSED_MS);
        return denial;
      }
      if (!(error instanceof CheckUnavailable)) fault(error);
      return UNAVAILABLE;
    }
  }

  #accessOf({ info, believedSeconds }: Checked): Access {
    const { impliedScopes, clockToleranceSeconds } = this.#parts.options;
    const believedUntil = this.#parts.clock.wallNow() + believedSeconds * 1_000;
    const { expiresAt } = info;
    return Object.freeze({
      info,
      principal: principalOf(info),
      scopes: new Set(info.scopes.flatMap((scope) => [scope, ...(impliedScopes.get(scope) ?? [])])),
      expiresAt:
        expiresAt === undefined ? believedUntil : Math.min(believedUntil, (expiresAt + clockToleranceSeconds) * 1_000),
    });
  }

  /** The same denial, with the scopes that each request needs. */
  #asking({ status, error, description }: Denial): Denial {
    return new Denial(status, error, description, this.#parts.options.requiredScopes);
  }

  /**
   * What a request lacks that needs these scopes besides those that every request needs; nothing when it may go on.
   *
   * The answer has all scopes to ask for at once, with those that the client has and may lose: it asks for these alone.
   */
  lacking(access: Access, needed: readonly string[]): Denial | undefined {
    const { requiredScopes } = this.#parts.options;
    if ([...requiredScopes, ...needed].every((scope) => access.scopes.has(scope))) return undefined;
    const known = new Set(this.supportedScopes());
    const kept = access.info.scopes.filter((scope) => known.has(scope));
    const all = [...new Set([...kept, ...requiredScopes, ...needed])];
    return new Denial(403, 'insufficient_scope', 'The token lacks a scope that this needs', all);
  }

  /** What clients may ask for. */
  supportedScopes(): readonly string[] {
    const { scopesSupported, requiredScopes } = this.#parts.options;
    return scopesSupported ?? [...new Set([...requiredScopes, ...this.#parts.scopes()])];
  }

  /** The value of `WWW-Authenticate`; nothing where the client can do nothing about it. */
  challenge(denial: Denial): string | undefined {
    return denial.status === 503 ? undefined : challenge(denial, this.#metadataUrl);
  }

  /** What clients read to learn where tokens come from (RFC 9728), as JSON; nothing before the server has a URL. */
  metadata(): string | undefined {
    if (this.#resource === undefined) return undefined;
    const { options, name } = this.#parts;
    return JSON.stringify(resourceMetadata(this.#resource, options, this.supportedScopes(), name));
  }
}

/** A client that acts for itself is nobody's user, whatever its name. */
function principalOf({ issuer, subject, clientId }: AuthInfo): string {
  return JSON.stringify(subject === undefined ? [issuer, '', clientId] : [issuer, subject]);
}
