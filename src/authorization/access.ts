import type { AuthInfo } from '../wire/wire.ts';

/** What a valid token gives. */
export interface Access {
  readonly info: AuthInfo;
  /** Whom answers, sessions and state belong to: the same for all tokens of a subject of one issuer. */
  readonly principal: string;
  /** What was granted, and what that implies. */
  readonly scopes: ReadonlySet<string>;
  /** Until when this may be believed without another check, in milliseconds of wall-clock time. */
  readonly expiresAt: number;
}

/** The words that a challenge has for it (RFC 6750); none where no token came. */
export type ChallengeError = 'invalid_request' | 'invalid_token' | 'insufficient_scope';

/** Why there is no access. */
export class Denial {
  readonly status: 400 | 401 | 403 | 503;
  readonly error: ChallengeError | undefined;
  /** For people; says nothing about the token that its sender does not know. */
  readonly description: string;
  /** The scopes to ask for. */
  readonly scopes: readonly string[];

  constructor(
    status: Denial['status'],
    error: ChallengeError | undefined,
    description: string,
    scopes: readonly string[] = [],
  ) {
    this.status = status;
    this.error = error;
    this.description = description;
    this.scopes = scopes;
  }
}

/** A token that is not accepted. */
export function invalidToken(description: string): Denial {
  return new Denial(401, 'invalid_token', description);
}

/** Nobody could say whether a token is valid. */
export class CheckUnavailable extends Error {}

/** Wraps what an authorization server said, frozen. */
export function toAuthInfo(issuer: string, claims: Record<string, unknown>): AuthInfo {
  return Object.freeze({
    subject: textOf(claims['sub']),
    clientId: textOf(claims['client_id']) ?? textOf(claims['azp']),
    issuer,
    scopes: Object.freeze(scopesOf(claims['scope'] ?? claims['scp'])),
    expiresAt: typeof claims['exp'] === 'number' ? claims['exp'] : undefined,
    audience: Object.freeze(audienceOf(claims['aud'])),
    claims: deepFreeze(claims),
  });
}

export function audienceOf(value: unknown): string[] {
  const all = Array.isArray(value) ? value : [value];
  return all.filter((item) => typeof item === 'string');
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A list, or words between blanks. */
function scopesOf(value: unknown): string[] {
  const words = typeof value === 'string' ? value.split(' ') : Array.isArray(value) ? value : [];
  return words.filter((word) => typeof word === 'string' && word !== '');
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const member of Object.values(value)) deepFreeze(member);
  return value;
}
