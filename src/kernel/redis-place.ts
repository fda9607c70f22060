import { digestOf } from './digest.ts';

/** Whether a text is the URL of a Redis. */
export function isRedisUrl(text: string): boolean {
  const url = URL.parse(text);
  if (!url?.hostname || !/^rediss?:$/.test(url.protocol) || !/^\/?\d*$/.test(url.pathname)) return false;
  try {
    decodeURIComponent(url.username + url.password);
    return true;
  } catch {
    return false;
  }
}

/** What the keys of a server begin with: servers of different names never share one. */
export function redisPrefix(serverName: string): string {
  const readable = serverName.replace(/[^\w.-]/g, '_');
  return `peregrine:${readable === serverName ? readable : `${readable}-${digestOf(serverName).slice(0, 8)}`}`;
}
