import { isIPv6 } from 'node:net';
import { OptionError } from '../../kernel/errors.ts';
import { integerOption, stringOption } from '../../kernel/options.ts';
import type { Endpoint } from './endpoint-source.ts';

/** How replicas are called that are known by their addresses. */
export interface AddressOptions {
  /** @default "http" */
  readonly scheme?: 'http' | 'https';
  /** The path of the MCP endpoint. @default "/mcp" */
  readonly path?: string;
}

/** IPv4 or IPv6. */
export type AddressFamily = 4 | 6;

export interface ResolvedAddressOptions {
  readonly scheme: 'http' | 'https';
  readonly path: string;
}

/** @throws {OptionError} */
export function resolveAddressOptions(name: string, options: AddressOptions): ResolvedAddressOptions {
  const scheme = options.scheme ?? 'http';
  if (scheme !== 'http' && scheme !== 'https')
    throw new OptionError(`${name}.scheme`, 'must be "http" or "https"', scheme);
  const path = stringOption(`${name}.path`, options.path, '/mcp');
  if (!/^\/[\x21-\x7e]*$/.test(path)) throw new OptionError(`${name}.path`, 'must be a path that begins with /', path);
  return { scheme, path };
}

/** @throws {OptionError} */
export function portOption(name: string, value: unknown): number {
  if (value === undefined) throw new OptionError(name, 'is needed', value);
  return integerOption(name, value, 0, { min: 1, max: 65_535 });
}

/** @throws {OptionError} */
export function familyOption(name: string, value: unknown): AddressFamily | undefined {
  if (value === undefined || value === 4 || value === 6) return value;
  throw new OptionError(name, 'must be 4 or 6', value);
}

/** A replica at an address; `host` is the name that it answers to. */
export function endpointAt(
  address: string,
  port: number,
  { scheme, path }: ResolvedAddressOptions,
  host: string,
): Endpoint {
  const id = `${isIPv6(address) ? `[${address}]` : address}:${port}`;
  return { id, url: `${scheme}://${id}${path}`, host };
}

/** Tells a list only when it is another one than before, in the order of the ids. */
export function whenChanged(
  changed: (endpoints: readonly Endpoint[]) => void,
): (endpoints: readonly Endpoint[]) => void {
  let before: string | undefined;
  return (endpoints) => {
    const sorted = [...endpoints].sort((a, b) => (a.id < b.id ? -1 : 1));
    const text = JSON.stringify(sorted);
    if (text === before) return;
    before = text;
    changed(sorted);
  };
}
