import type { LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { OptionError } from '../../kernel/errors.ts';
import { HttpPoolError } from './http-errors.ts';

/** What the IANA special-purpose registry does not give to public hosts, multicast and reserved space included. */
const SPECIAL_IPV4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const;

/**
 * Public hosts have addresses in 2000::/3 only. All else is refused as a whole: loopback, unique-local and link-local
 * addresses, multicast, and those that wrap IPv4 (mapped, compatible, NAT64). So are, inside, protocol assignments with
 * Teredo, 6to4 and documentation.
 */
const SPECIAL_IPV6 = [
  ['::', 3],
  ['4000::', 2],
  ['8000::', 1],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const;

/** Ranges of both families. A list of its own for each: `BlockList` finds IPv4 addresses in IPv6 ranges, as mapped ones. */
class Ranges {
  readonly #lists = { 4: new BlockList(), 6: new BlockList() };

  add(network: string, prefix: number): void {
    if (isIP(network) === 4) this.#lists[4].addSubnet(network, prefix, 'ipv4');
    else this.#lists[6].addSubnet(network, prefix, 'ipv6');
  }

  has(address: string): boolean {
    return isIP(address) === 4 ? this.#lists[4].check(address, 'ipv4') : this.#lists[6].check(address, 'ipv6');
  }
}

const special = new Ranges();
for (const [network, prefix] of [...SPECIAL_IPV4, ...SPECIAL_IPV6]) special.add(network, prefix);

/** Whether an IP address belongs to the public internet; text that is no address does not. */
export function isPublicAddress(address: string): boolean {
  return isAddress(address) && !special.has(address);
}

/**
 * Decides where URLs from tool arguments may lead: over http or https, without credentials, to public addresses, and to
 * those hosts and ranges that the author allows.
 */
export class AddressGuard {
  readonly #hosts = new Set<string>();
  readonly #ranges = new Ranges();

  /** @param option The option's name, for the error. @throws {OptionError} when an entry is no host, address or range. */
  constructor(allow: readonly string[], option: string) {
    for (const entry of allow)
      if (!this.#allow(entry)) throw new OptionError(option, 'must hold hosts or ranges', entry);
  }

  /** @throws {HttpPoolError} `ADDRESS_REFUSED`. Names pass: they are checked when they are resolved. */
  checkUrl(url: URL): void {
    if (url.protocol !== 'http:' && url.protocol !== 'https:')
      throw refusal(`${url.protocol}//`, 'only http and https may be used');
    if (url.username !== '' || url.password !== '') throw refusal(url.origin, 'it holds credentials');
    this.checkHost(url.hostname, url.origin);
  }

  /** @throws {HttpPoolError} `ADDRESS_REFUSED` for an address, as it stands in a URL, that is neither public nor allowed. */
  checkHost(hostname: string, origin: string): void {
    const address = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
    if (isIP(address) !== 0 && !this.#isAllowed(address)) throw refusal(origin);
  }

  /** Wraps a resolver: a name with even one address that is neither public nor allowed leads nowhere. */
  guardedLookup(lookup: LookupFunction): LookupFunction {
    return (hostname, options, callback) => {
      if (this.#hosts.has(toHost(hostname))) return lookup(hostname, options, callback);
      lookup(hostname, { ...options, all: true }, (error, found, family) => {
        if (error) return callback(error, found, family);
        const addresses: LookupAddress[] =
          typeof found === 'string' ? [{ address: found, family: family ?? isIP(found) }] : found;
        const first = addresses[0];
        const bad = addresses.find(({ address }) => !this.#isAllowed(address));
        if (first === undefined || bad !== undefined) {
          callback(refusal(hostname, undefined, new Error(`${hostname} resolved to ${bad?.address ?? 'nothing'}`)), []);
        } else if (options.all) callback(null, addresses);
        else callback(null, first.address, first.family);
      });
    };
  }

  #isAllowed(address: string): boolean {
    return isAddress(address) && (!special.has(address) || this.#ranges.has(address));
  }

  #allow(entry: string): boolean {
    const [network = '', prefix, more] = entry.split('/');
    const family = isIP(network);
    if (family === 0) {
      const host = toHost(entry);
      this.#hosts.add(host);
      return URL.parse(`http://${host}`)?.hostname === host;
    }
    const bits = Number(prefix ?? (family === 4 ? 32 : 128));
    if (more !== undefined || prefix === '' || !Number.isInteger(bits) || bits < 0 || bits > (family === 4 ? 32 : 128))
      return false;
    this.#ranges.add(network, bits);
    return true;
  }
}

/** An address with a zone belongs to a link, so it is none that a guard could judge. */
function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes('%');
}

/** Lower case, and without the dot that ends a fully qualified name. */
function toHost(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

function refusal(origin: string, detail?: string, cause?: Error): HttpPoolError {
  return new HttpPoolError('ADDRESS_REFUSED', origin, {
    ...(detail === undefined ? undefined : { detail }),
    cause,
  });
}
