import type {
  OAuthClientMetadata,
  OAuthClientProvider,
  StoredOAuthClientInformation,
  StoredOAuthTokens,
} from '@modelcontextprotocol/client';
import { CALLBACK } from './provider.ts';

/** What an application on a user's machine keeps, with a browser that follows redirections. */
export class UserAgent implements OAuthClientProvider {
  readonly redirectUrl = CALLBACK;
  /** The scopes of each authorization that was asked for. */
  readonly asked: (string | null)[] = [];
  /** What came back at the callback. */
  callback: URLSearchParams | undefined;
  granted: StoredOAuthTokens | undefined;
  readonly #cookies = new Map<string, string>();
  #client: StoredOAuthClientInformation | undefined;
  #verifier = '';

  /** @param clientId By default the client registers itself. */
  constructor(clientId?: string) {
    this.#client = clientId === undefined ? undefined : { client_id: clientId };
  }

  get clientMetadata(): OAuthClientMetadata {
    return {
      client_name: 'an application',
      redirect_uris: [CALLBACK],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      grant_types: ['authorization_code', 'refresh_token'],
    } as OAuthClientMetadata;
  }

  clientInformation(): StoredOAuthClientInformation | undefined {
    return this.#client;
  }
  saveClientInformation(client: StoredOAuthClientInformation): void {
    this.#client = client;
  }
  tokens(): StoredOAuthTokens | undefined {
    return this.granted;
  }
  saveTokens(tokens: StoredOAuthTokens): void {
    this.granted = tokens;
  }
  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }
  codeVerifier(): string {
    return this.#verifier;
  }

  async redirectToAuthorization(url: URL): Promise<void> {
    this.asked.push(url.searchParams.get('scope'));
    for (let next = url; ; ) {
      const response = await fetch(next, { redirect: 'manual', headers: { Cookie: this.#cookieHeader() } });
      for (const line of response.headers.getSetCookie()) {
        const [pair = ''] = line.split(';', 1);
        const at = pair.indexOf('=');
        this.#cookies.set(pair.slice(0, at), pair.slice(at + 1));
      }
      const location = response.headers.get('location');
      if (location === null) throw new Error(`${response.status} at ${next}: ${await response.text()}`);
      next = new URL(location, next);
      if (next.href.startsWith(CALLBACK)) {
        this.callback = next.searchParams;
        return;
      }
    }
  }

  #cookieHeader(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }
}
