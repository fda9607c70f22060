import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { OptionError } from '../kernel/errors.ts';
import { isLoopbackHost } from '../kernel/loopback.ts';
import { stringOption } from '../kernel/options.ts';

/** Where metrics and dashboard are served, and to whom. */
export interface AccessOptions {
  /** Address to listen on; one that others can reach needs a token. @default '127.0.0.1' */
  readonly host?: string;
  /** What requests must bring as `Authorization: Bearer ...`, at least 16 characters. @default none on loopback */
  readonly token?: string;
}

const LEAST_TOKEN = 16;

/**
 * Decides who may read what the monitor shows: whoever has the token, or without one whoever is on this machine and did not come
 * by a web page of another host.
 */
export class Access {
  readonly host: string;
  readonly #digest: Buffer | undefined;

  /** @throws {OptionError} also for an address that others can reach without a token. */
  constructor(options: { readonly [K in keyof AccessOptions]: unknown }, name: string) {
    this.host = stringOption(`${name}.host`, options.host, '127.0.0.1');
    const { token } = options;
    if (token === undefined) {
      if (!isLoopbackHost(this.host))
        throw new OptionError(`${name}.token`, `is required where ${name}.host is not a loopback address`, undefined);
      return;
    }
    // The value itself must not get into the message.
    if (typeof token !== 'string' || token.length < LEAST_TOKEN || !/^[\x21-\x7e]+$/.test(token))
      throw new OptionError(`${name}.token`, `must be at least ${LEAST_TOKEN} visible ASCII characters`, typeof token);
    this.#digest = digestOf(token);
  }

  get needsToken(): boolean {
    return this.#digest !== undefined;
  }

  /** What a browser keeps instead of the token, which does not follow from it: the same after a restart. Nothing without a token. */
  get session(): string | undefined {
    return this.#digest && createHmac('sha256', this.#digest).update('session of a browser').digest('base64url');
  }

  /** Whether this is the session, in a time that does not depend on how much of it is right. */
  isSession(given: string): boolean {
    return this.session !== undefined && timingSafeEqual(digestOf(given), digestOf(this.session));
  }

  /** Whether a request with these headers may read. */
  allows({ authorization, host }: { readonly authorization?: string | undefined; readonly host?: string | undefined }) {
    if (!this.needsToken) return isLoopbackHost(hostName(host ?? ''));
    const [, token] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? [];
    return token !== undefined && this.isToken(token);
  }

  /** Whether this is the token, in a time that does not depend on how much of it is right. */
  isToken(given: string): boolean {
    return this.#digest !== undefined && timingSafeEqual(digestOf(given), this.#digest);
  }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** The name in a `Host` field, without its port. */
function hostName(field: string): string {
  const [, name = ''] = /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/.exec(field) ?? [];
  return name.startsWith('[') ? name.slice(1, -1) : name;
}
