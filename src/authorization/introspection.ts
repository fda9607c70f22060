import { Buffer } from 'node:buffer';
import { invalidToken } from './access.ts';
import type { JsonClient } from './json-client.ts';

/** Asking the authorization server about a token that says nothing itself, checked. */
export interface ResolvedIntrospection {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly cacheSeconds: number;
}

/** Asks an authorization server about tokens (RFC 7662). */
export class Introspector {
  readonly #url: string;
  readonly #authorization: string;
  readonly #client: JsonClient;

  constructor({ url, clientId, clientSecret }: ResolvedIntrospection, client: JsonClient) {
    this.#url = url;
    this.#client = client;
    // Both are encoded as in a form before they are joined (RFC 6749, 2.3.1).
    const credentials = `${formEncoded(clientId)}:${formEncoded(clientSecret)}`;
    this.#authorization = `Basic ${Buffer.from(credentials, 'utf8').toString('base64')}`;
  }

  /**
   * What the server says about a token.
   *
   * @throws {Denial} when it is not active. @throws {CheckUnavailable} when the server cannot be asked.
   */
  async ask(token: string): Promise<Record<string, unknown>> {
    const body = new URLSearchParams({ token, token_type_hint: 'access_token' }).toString();
    const { active, ...claims } = await this.#client.read(this.#url, { body, authorization: this.#authorization });
    if (active !== true) throw invalidToken('The token is not active');
    return claims;
  }
}

function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}
