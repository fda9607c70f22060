import { isIP } from 'node:net';

/** Whether a host name or address, brackets of IPv6 or not, is this machine itself. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase();
  return name === 'localhost' || name === '::1' || name === '[::1]' || (isIP(name) === 4 && name.startsWith('127.'));
}
