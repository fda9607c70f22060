import { describe, expect, it } from 'vitest';
import { OptionError } from '../../../src/kernel/errors.ts';
import { resolveHttpPoolOptions } from '../../../src/pool/http/http-pool-options.ts';
import { HttpPool, type HttpPoolOptions } from '../../../src/pool/pool.ts';

const machine = (cores: number) => ({ cores, memoryBytes: 32e9 });

describe('options of the HTTP pool', () => {
  it('derives the figures of the reference machine', () => {
    expect(resolveHttpPoolOptions(undefined, 'http', machine(16))).toMatchObject({
      maxSockets: 64,
      maxFreeSockets: 16,
      timeout: 30_000,
      keepAlive: true,
      keepAliveMsecs: 30_000,
      freeSocketTimeout: 15_000,
      socketLifetime: 300_000,
      maxResponseBytes: 10 * 1024 * 1024,
    });
  });

  it.each([
    [0.5, 2],
    [0.1, 1],
    [1.3, 6],
    [2, 8],
  ])('gives %d cores %d sockets', (cores, sockets) => {
    expect(resolveHttpPoolOptions({}, 'http', machine(cores)).maxSockets).toBe(sockets);
  });

  it.each([
    ['maxSockets', 0],
    ['maxSockets', 1.5],
    ['maxFreeSockets', '16'],
    ['maxQueue', -1],
    ['maxOrigins', 0],
    ['timeout', 0],
    ['connectTimeout', Number.NaN],
    ['keepAlive', 'yes'],
    ['keepAliveMsecs', -1],
    ['freeSocketTimeout', 0],
    ['socketLifetime', null],
    ['maxResponseBytes', 0],
    ['maxRedirects', -1],
    ['closeTimeout', -1],
    ['guardAllow', 'localhost'],
    ['guardAllow', ['10.0.0.0/33']],
    ['guardAllow', ['10.0.0.0/']],
    ['guardAllow', ['fd00::/129']],
    ['guardAllow', ['http://host']],
    ['guardAllow', ['host:80']],
    ['guardAllow', ['*.internal/8']],
    ['lookup', 'dns'],
    ['clock', {}],
    ['maxSocket', 5],
  ])('refuses %s: %j', (key, value) => {
    const construct = () => new HttpPool({ [key]: value } as HttpPoolOptions);
    if (value === null) expect(construct).not.toThrow();
    else {
      expect(construct).toThrow(OptionError);
      expect(construct).toThrow(`http.${key}`);
    }
  });

  it('checks the options of a call', async () => {
    const pool = new HttpPool();
    await expect(pool.request('http://127.0.0.1:1', { timeout: 0 })).rejects.toThrow('http.timeout');
    await expect(pool.fetch('http://127.0.0.1:1', { maxResponseBytes: 0.5 })).rejects.toThrow('http.maxResponseBytes');
  });
});
