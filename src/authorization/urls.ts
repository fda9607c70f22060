import { OptionError } from '../kernel/errors.ts';
import { isLoopbackHost } from '../kernel/loopback.ts';
import { stringOption } from '../kernel/options.ts';
import { RESOURCE_METADATA_PATH } from '../wire/wire.ts';

/** Whether what is sent to a URL, and read there, is safe from others: https, or this machine itself. */
export function isTrustedUrl(value: unknown): value is string {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  if (url === null || url.username !== '' || url.password !== '' || url.hash !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname));
}

/** A URL option. @throws {OptionError} */
export function trustedUrlOption(name: string, value: unknown): string {
  const url = stringOption(name, value);
  if (!isTrustedUrl(url)) throw new OptionError(name, 'must be a URL with https (http on loopback only)', url);
  return url;
}

/** Where the metadata of a resource is (RFC 9728, 3.1). */
export function resourceMetadataUrl(resource: string): string {
  const { origin, pathname, search } = new URL(resource);
  return `${origin}${RESOURCE_METADATA_PATH}${pathname === '/' ? '' : pathname}${search}`;
}
