import type { OptimizedServerConfig } from '../../../src/server-config.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { serverWith, type TestServer } from '../support/test-server.ts';
import { sharedKey } from './rig.ts';
import { ISSUER, RESOURCE, TestIssuer, type TokenParts } from './test-issuer.ts';

export const METADATA_URL = 'https://mcp.example/.well-known/oauth-protected-resource/mcp';

/** A server that asks for tokens, and who makes them. */
export interface GuardedServer {
  readonly server: TestServer;
  readonly clock: FakeClock;
  /** The header field of a valid token, but for what is changed. */
  bearer(parts?: TokenParts): Promise<{ Authorization: string }>;
}

export async function guardedServer(
  register: (server: TestServer) => void = () => {},
  config: Partial<OptimizedServerConfig> = {},
): Promise<GuardedServer> {
  const clock = new FakeClock();
  const key = await sharedKey();
  const issuer = new TestIssuer([key]);
  const authorization = {
    ...{ resource: RESOURCE, authorizationServers: [ISSUER], jwks: { keys: [key.jwk as Record<string, unknown>] } },
    ...config.authorization,
  };
  const server = serverWith(register, { clock, ...config, authorization });
  const bearer = async (parts?: TokenParts) => ({
    Authorization: `Bearer ${await issuer.token(clock.wallNow(), parts)}`,
  });
  return { server, clock, bearer };
}
