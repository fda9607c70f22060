import {
  type Access,
  Authorization,
  type AuthorizationOptions,
  Denial,
  type ResolvedAuthorization,
  resolveAuthorization,
} from '../../../src/authorization/authorization.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { createKey, ISSUER, RESOURCE, type SigningKey, TestIssuer, type TokenParts } from './test-issuer.ts';

let kept: Promise<SigningKey> | undefined;

/** A key that tests share, for making one takes time. */
export function sharedKey(): Promise<SigningKey> {
  kept ??= createKey('first');
  return kept;
}

/** An authorization with an issuer in memory and a clock that the test moves. */
export class Rig {
  readonly clock = new FakeClock();
  readonly faults: unknown[] = [];
  readonly issuer: TestIssuer;
  readonly authorization: Authorization;

  private constructor(key: SigningKey, options: Partial<AuthorizationOptions>) {
    this.issuer = new TestIssuer([key]);
    const { clock, faults, issuer } = this;
    const given = { resource: RESOURCE, authorizationServers: [ISSUER], ...options };
    this.authorization = new Authorization({
      ...{ clock, fetch: issuer.fetch, fault: (error: unknown) => faults.push(error), scopes: () => ['read', 'write'] },
      options: resolveAuthorization(given) as ResolvedAuthorization,
      ...{ endpointUrl: undefined, name: 'Test' },
    });
  }

  static async create(options: Partial<AuthorizationOptions> = {}): Promise<Rig> {
    return new Rig(await sharedKey(), options);
  }

  token(parts?: TokenParts): Promise<string> {
    return this.issuer.token(this.clock.wallNow(), parts);
  }

  async admit(token: string): Promise<Access | Denial> {
    return this.authorization.admit(`Bearer ${token}`);
  }

  /** What becomes of a token: `ada` for one of hers, or the status and the reason. */
  async outcome(token: string): Promise<string> {
    const found = await this.admit(token);
    return found instanceof Denial ? `${found.status} ${found.description}` : String(found.info.subject);
  }
}
