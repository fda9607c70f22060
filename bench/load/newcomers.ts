import { connect } from 'node:net';
import type { PreparedRequest } from './request-source.ts';

export interface NewcomersOptions {
  readonly port: number;
  readonly connections: number;
  readonly request: PreparedRequest;
  /** Longest wait, in milliseconds. */
  readonly limitMs: number;
}

/** Opens connections at once and sends a request over each. @returns When the last got its answer, in milliseconds; `Infinity` after the limit. */
export async function measureNewcomers({ port, connections, request, limitMs }: NewcomersOptions): Promise<number> {
  const startedAt = performance.now();
  const answered = Array.from({ length: connections }, () => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => void socket.write(request.bytes));
    socket.setTimeout(limitMs, () => socket.destroy());
    socket.once('data', () => {
      resolve(performance.now() - startedAt);
      socket.destroy();
    });
    socket.on('error', () => {}).once('close', () => reject(new Error('no answer')));
    return promise;
  });
  const settled = await Promise.allSettled(answered);
  return Math.max(...settled.map((one) => (one.status === 'fulfilled' ? one.value : Number.POSITIVE_INFINITY)));
}
