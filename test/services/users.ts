import { readFileSync } from 'node:fs';

/**
 * The user and group to start a server as that refuses to run as root: the one its package brought.
 *
 * @returns Nothing when this process is not root: the server then runs as the same user.
 */
export function serverUser(name: string): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  if (line === undefined) throw new Error(`there is no user ${name} to run the server as`);
  const [, , uid, gid] = line.split(':');
  return { uid: Number(uid), gid: Number(gid) };
}
