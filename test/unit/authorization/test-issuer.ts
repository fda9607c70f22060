import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import type { AuthorizationFetch } from '../../../src/authorization/authorization.ts';

export const ISSUER = 'https://issuer.example';
export const RESOURCE = 'https://mcp.example/mcp';

type Claims = Record<string, unknown>;

/** What a test changes of a token. */
export interface TokenParts {
  readonly claims?: Claims;
  /** Claims that are left out. */
  readonly without?: readonly string[];
  readonly header?: Record<string, unknown>;
  /** The key that signs, instead of the present one. */
  readonly key?: SigningKey;
}

export interface SigningKey {
  readonly kid: string;
  readonly algorithm: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export async function createKey(kid: string, algorithm = 'ES256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  return { kid, algorithm, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' } };
}

/** An authorization server in memory: its pages by URL, which a test changes, and how often each was asked for. */
export class TestIssuer {
  readonly pages = new Map<string, () => Response | Promise<Response>>();
  readonly asked: string[] = [];
  readonly bodies: string[] = [];
  readonly headers: Record<string, string>[] = [];
  readonly jwksUrl: string;
  readonly issuer: string;
  keys: SigningKey[];
  /** Answers nothing but errors. */
  isDown = false;

  constructor(keys: SigningKey[], issuer = ISSUER) {
    this.keys = keys;
    this.issuer = issuer;
    this.jwksUrl = `${issuer}/jwks`;
    const { origin, pathname } = new URL(issuer);
    const metadata = `${origin}/.well-known/oauth-authorization-server${pathname === '/' ? '' : pathname}`;
    this.pages.set(metadata, () => Response.json({ issuer, jwks_uri: this.jwksUrl }));
    this.pages.set(this.jwksUrl, () => Response.json({ keys: this.keys.map(({ jwk }) => jwk) }));
  }

  readonly fetch: AuthorizationFetch = async (url, { body, headers, signal }) => {
    this.asked.push(url);
    if (body !== undefined) this.bodies.push(body);
    if (headers !== undefined) this.headers.push(headers);
    if (this.isDown) throw new TypeError('connection refused');
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });
    return (await Promise.race([this.pages.get(url)?.(), aborted])) ?? new Response(null, { status: 404 });
  };

  /** How often its keys were read. */
  get keyReads(): number {
    return this.asked.filter((url) => url === this.jwksUrl).length;
  }

  /** A valid token, but for what is changed. @param now Milliseconds of wall-clock time. */
  async token(
    now: number,
    { claims = {}, without = [], header = {}, key = this.keys[0] }: TokenParts = {},
  ): Promise<string> {
    const { algorithm, kid, privateKey } = key as SigningKey;
    const seconds = Math.floor(now / 1_000);
    const all: Claims = {
      ...{ iss: this.issuer, sub: 'ada', client_id: 'app', aud: RESOURCE, scope: 'read' },
      ...{ iat: seconds, exp: seconds + 600 },
      ...claims,
    };
    for (const name of without) delete all[name];
    return new SignJWT(all).setProtectedHeader({ alg: algorithm, kid, typ: 'at+jwt', ...header }).sign(privateKey);
  }
}

/** A part of a token, as JSON in base64url. */
export function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
