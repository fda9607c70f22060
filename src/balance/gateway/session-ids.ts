import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** A backend's session, and who owns it. */
export interface OwnedSession {
  readonly id: string;
  readonly backend: string;
}

/**
 * Session ids as clients get them: the backend's own id and the name of its owner, signed. Whoever has the secret can route by
 * them, so several gateways need nothing in common but that.
 */
export class SessionIds {
  readonly #secret: string | Buffer;

  /** @param secret @default a random one: sessions then end with this process */
  constructor(secret: string | undefined) {
    this.#secret = secret ?? randomBytes(32);
  }

  /** @param server The logical server that the session belongs to; one of another server is not accepted. */
  seal(server: string, { id, backend }: OwnedSession): string {
    const owner = Buffer.from(backend).toString('base64url');
    return `${owner}.${this.#sign(server, owner, id)}.${id}`;
  }

  /** @returns Nothing when the id is not one of ours. */
  open(server: string, sealed: string): OwnedSession | undefined {
    const first = sealed.indexOf('.');
    const second = sealed.indexOf('.', first + 1);
    if (first < 1 || second === -1) return undefined;
    const owner = sealed.slice(0, first);
    const id = sealed.slice(second + 1);
    const given = Buffer.from(sealed.slice(first + 1, second));
    const expected = Buffer.from(this.#sign(server, owner, id));
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    return { id, backend: Buffer.from(owner, 'base64url').toString() };
  }

  #sign(server: string, owner: string, id: string): string {
    return createHmac('sha256', this.#secret)
      .update(JSON.stringify([server, owner, id]))
      .digest('base64url');
  }
}
