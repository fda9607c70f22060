import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPublicAddress } from '../../../src/pool/pool.ts';

/** IANA special-purpose registries, multicast and reserved space, listed by name and apart from the code. */
const IPV4: readonly (readonly [name: string, network: string, prefix: number])[] = [
  ['this network', '0.0.0.0', 8],
  ['private', '10.0.0.0', 8],
  ['shared, CGNAT', '100.64.0.0', 10],
  ['loopback', '127.0.0.0', 8],
  ['link local, cloud metadata', '169.254.0.0', 16],
  ['private', '172.16.0.0', 12],
  ['protocol assignments', '192.0.0.0', 24],
  ['documentation', '192.0.2.0', 24],
  ['6to4 relays', '192.88.99.0', 24],
  ['private', '192.168.0.0', 16],
  ['benchmarking', '198.18.0.0', 15],
  ['documentation', '198.51.100.0', 24],
  ['documentation', '203.0.113.0', 24],
  ['multicast', '224.0.0.0', 4],
  ['reserved', '240.0.0.0', 4],
  ['broadcast', '255.255.255.255', 32],
];
const IPV6: readonly (readonly [name: string, network: string, prefix: number])[] = [
  ['unspecified', '::', 128],
  ['loopback', '::1', 128],
  ['IPv4-compatible', '::', 96],
  ['IPv4-mapped', '::ffff:0:0', 96],
  ['IPv4-translated', '::ffff:0:0:0', 96],
  ['NAT64', '64:ff9b::', 96],
  ['NAT64, local', '64:ff9b:1::', 48],
  ['discard', '100::', 64],
  ['protocol assignments', '2001::', 23],
  ['Teredo', '2001::', 32],
  ['benchmarking', '2001:2::', 48],
  ['ORCHID', '2001:10::', 28],
  ['ORCHIDv2', '2001:20::', 28],
  ['documentation', '2001:db8::', 32],
  ['6to4', '2002::', 16],
  ['documentation', '3fff::', 20],
  ['segment routing', '5f00::', 16],
  ['unique local', 'fc00::', 7],
  ['link local', 'fe80::', 10],
  ['site local', 'fec0::', 10],
  ['multicast', 'ff00::', 8],
];

const special4 = new BlockList();
for (const [, network, prefix] of IPV4) special4.addSubnet(network, prefix, 'ipv4');
const special6 = new BlockList();
for (const [, network, prefix] of IPV6) special6.addSubnet(network, prefix, 'ipv6');
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');

const toIpv4 = (bits: bigint): string => [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 255n).join('.');
const toIpv6 = (bits: bigint): string =>
  [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n].map((shift) => ((bits >> shift) & 0xffffn).toString(16)).join(':');

const bitsOf = (address: string): bigint => {
  if (address.includes('.')) return address.split('.').reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
  const [left = '', right] = address.split('::');
  const [head, tail] = [left, right ?? ''].map((half) => half.split(':').filter((part) => part !== ''));
  const zeros = Array.from({ length: 8 - (head?.length ?? 0) - (tail?.length ?? 0) }, () => '0');
  const parts = right === undefined ? (head ?? []) : [...(head ?? []), ...zeros, ...(tail ?? [])];
  return parts.reduce((bits, part) => (bits << 16n) | BigInt(`0x${part}`), 0n);
};

/** An address in a range: any, or one at its edges. */
const within = (network: string, prefix: number, width: number): fc.Arbitrary<bigint> => {
  const size = 1n << BigInt(width - prefix);
  const first = bitsOf(network);
  return fc.oneof(fc.constantFrom(first, first + size - 1n), fc.bigInt(first, first + size - 1n));
};

describe('addresses', () => {
  it.each([...IPV4, ...IPV6])('of %s (%s/%i) are not public', (_name, network, prefix) => {
    const [width, print] = network.includes('.') ? [32, toIpv4] : [128, toIpv6];
    fc.assert(
      fc.property(within(network, prefix, width), (bits) => {
        expect(isPublicAddress(print(bits))).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  it('of IPv4 are public if and only if they are in no such range', () => {
    const near = fc.constantFrom(...IPV4).chain(([, network, prefix]) => {
      const first = bitsOf(network);
      const end = first + (1n << BigInt(32 - prefix));
      return fc.constantFrom(first, first - 1n, end - 1n, end).filter((bits) => bits >= 0n && bits < 1n << 32n);
    });
    fc.assert(
      fc.property(fc.oneof(near, fc.bigInt(0n, (1n << 32n) - 1n)), (bits) => {
        const address = toIpv4(bits);
        expect(isPublicAddress(address)).toBe(!special4.check(address, 'ipv4'));
      }),
      { numRuns: 2_000 },
    );
  });

  it('of IPv6 are public if and only if they are global unicast and in no such range', () => {
    const near = fc.constantFrom(...IPV6).chain(([, network, prefix]) => {
      const first = bitsOf(network);
      const end = first + (1n << BigInt(128 - prefix));
      return fc.constantFrom(first, first - 1n, end - 1n, end).filter((bits) => bits >= 0n && bits < 1n << 128n);
    });
    const global = fc.bigInt(bitsOf('2000::'), bitsOf('3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'));
    fc.assert(
      fc.property(fc.oneof(near, global, fc.bigInt(0n, (1n << 128n) - 1n)), (bits) => {
        const address = toIpv6(bits);
        const expected = globalUnicast.check(address, 'ipv6') && !special6.check(address, 'ipv6');
        expect(isPublicAddress(address)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each(['', 'localhost', '1.2.3', '1.2.3.4.5', '2606:4700::1%eth0', '[2606:4700::1]', '0x08080808', ' 8.8.8.8'])(
    'are not %j',
    (text) => {
      expect(isPublicAddress(text)).toBe(false);
    },
  );

  it.each(['8.8.8.8', '1.1.1.1', '93.184.215.14', '2606:4700:4700::1111', '2a00:1450:4001:80b::200e'])(
    'such as %s are public',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );
});
