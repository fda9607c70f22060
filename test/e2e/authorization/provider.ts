import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import Provider, { type Configuration } from 'oidc-provider';
import { onTestFinished } from 'vitest';

/** Who may ask the provider what. */
export const MACHINE = { client_id: 'machine', client_secret: 'the secret of the machine' };
export const RESOURCE_SERVER = { client_id: 'rs', client_secret: 'the secret of the resource server' };
export const APP = 'app';
export const CALLBACK = 'http://127.0.0.1:4/callback';
const SCOPES = 'read write';

export interface ProviderOptions {
  /** Tokens that say nothing, or signed ones. @default 'jwt' */
  readonly format?: 'jwt' | 'opaque';
  /** @default any free one */
  readonly port?: number;
  readonly ttlSeconds?: number;
}

/** An authorization server of another maker, over real sockets. */
export class AuthorizationServer {
  readonly issuer: string;
  readonly port: number;
  /** What was asked for. */
  readonly requests: string[] = [];
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
    this.issuer = `http://127.0.0.1:${port}`;
  }

  static async start({
    format = 'jwt',
    port = 0,
    ttlSeconds = 600,
  }: ProviderOptions = {}): Promise<AuthorizationServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const self = new AuthorizationServer(server, (server.address() as AddressInfo).port);
    const provider = new Provider(self.issuer, await configuration(format, ttlSeconds));
    const answer = provider.callback();
    server.on('request', (request, response) => {
      self.requests.push(`${request.method} ${request.url}`);
      if (request.url?.startsWith('/interaction/')) void consent(provider, request, response);
      else answer(request, response);
    });
    onTestFinished(() => self.stop());
    return self;
  }

  /** A token of a client that acts for itself. */
  async machineToken(resource: string, scope = SCOPES): Promise<string> {
    const { client_id: id, client_secret: secret } = MACHINE;
    const response = await fetch(`${this.issuer}/token`, {
      method: 'POST',
      headers: { Authorization: `Basic ${btoa(`${id}:${encodeURIComponent(secret).replaceAll('%20', '+')}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource, scope }),
    });
    const { access_token: token } = (await response.json()) as { access_token: string };
    return token;
  }

  async revoke(token: string): Promise<void> {
    const { client_id: id, client_secret: secret } = MACHINE;
    await fetch(`${this.issuer}/token/revocation`, {
      method: 'POST',
      headers: { Authorization: `Basic ${btoa(`${id}:${encodeURIComponent(secret).replaceAll('%20', '+')}`)}` },
      body: new URLSearchParams({ token }),
    });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function configuration(format: 'jwt' | 'opaque', ttlSeconds: number): Promise<Configuration> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = (await exportJWK(privateKey)) as JWK;
  return {
    jwks: { keys: [{ ...jwk, alg: 'ES256', use: 'sig' }] } as never,
    cookies: { keys: ['a key for cookies'] },
    scopes: ['openid', 'offline_access', 'read', 'write'],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clients: [
      {
        client_id: APP,
        redirect_uris: [CALLBACK],
        token_endpoint_auth_method: 'none',
        application_type: 'native',
        grant_types: ['authorization_code', 'refresh_token'],
      },
      { ...MACHINE, grant_types: ['client_credentials'], redirect_uris: [], response_types: [] },
      { ...RESOURCE_SERVER, grant_types: [], redirect_uris: [], response_types: [] },
    ],
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: {
        enabled: true,
        allowedPolicy: (_context, client) => client.clientId === RESOURCE_SERVER.client_id,
      },
      revocation: { enabled: true },
      registration: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, resource) => ({
          scope: SCOPES,
          audience: resource,
          accessTokenTTL: ttlSeconds,
          accessTokenFormat: format,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  };
}

/** The user `ada` agrees to whatever is asked. */
async function consent(
  provider: Provider,
  request: Parameters<Provider['interactionDetails']>[0],
  response: Parameters<Provider['interactionDetails']>[1],
): Promise<void> {
  const { params, session } = await provider.interactionDetails(request, response);
  const { client_id: clientId, scope = '', resource } = params as Record<string, string>;
  const accountId = session?.accountId ?? 'ada';
  const grant = new provider.Grant({ accountId, clientId: clientId as string });
  grant.addOIDCScope(scope);
  if (resource !== undefined) grant.addResourceScope(resource, scope);
  const grantId = await grant.save();
  await provider.interactionFinished(request, response, { login: { accountId }, consent: { grantId } });
}
