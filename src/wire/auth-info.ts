/** Where a server says who may use it (RFC 9728, 3); the path of its endpoint follows. */
export const RESOURCE_METADATA_PATH = '/.well-known/oauth-protected-resource';

const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Whether a text is one scope (RFC 6749, 3.3). */
export function isScope(text: string): boolean {
  return SCOPE.test(text);
}

/**
 * Who makes a request, as the authorization server said.
 *
 * The token itself is not in it: what a server calls in its turn must never get it.
 */
export interface AuthInfo {
  /** The user, or the client that acts for itself. */
  readonly subject: string | undefined;
  readonly clientId: string | undefined;
  /** The authorization server. */
  readonly issuer: string;
  /** What was granted. */
  readonly scopes: readonly string[];
  /** In seconds since 1970. */
  readonly expiresAt: number | undefined;
  readonly audience: readonly string[];
  /** All that was said; frozen. */
  readonly claims: Readonly<Record<string, unknown>>;
}
