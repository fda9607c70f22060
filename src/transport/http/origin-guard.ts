import type { ResolvedHttpOptions } from './http-options.ts';

/** Refuses requests that a web page elsewhere made through a visitor's browser (DNS rebinding, cross-site posts). */
export class OriginGuard {
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;
  readonly #anyHost: boolean;
  readonly #anyOrigin: boolean;

  constructor(options: Pick<ResolvedHttpOptions, 'allowedHosts' | 'allowedOrigins'>) {
    this.#hosts = new Set(options.allowedHosts.map((host) => host.toLowerCase()));
    this.#origins = new Set(options.allowedOrigins.map((origin) => origin.toLowerCase()));
    this.#anyHost = this.#hosts.has('*');
    this.#anyOrigin = this.#origins.has('*');
  }

  /** Why the request is refused, or nothing. */
  refuse(host: string | undefined, origin: string | undefined): string | undefined {
    if (!this.#anyHost && (host === undefined || !this.#hosts.has(hostName(host)))) return 'Host is not allowed';
    if (origin !== undefined && !this.allows(origin)) return 'Origin is not allowed';
    return undefined;
  }

  /** Whether scripts of an origin may call. */
  allows(origin: string): boolean {
    if (this.#anyOrigin || this.#origins.has(origin.toLowerCase())) return true;
    if (this.#anyHost || this.#origins.size > 0) return false;
    const match = /^https?:\/\/([^/]+)$/i.exec(origin);
    return match?.[1] !== undefined && this.#hosts.has(hostName(match[1]));
  }
}

/** The name in a `Host` value, without its port. */
function hostName(host: string): string {
  const end = host.startsWith('[') ? host.indexOf(']') + 1 : host.indexOf(':');
  return (end > 0 ? host.slice(0, end) : host).toLowerCase();
}
