import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { OptionError } from '../../../src/kernel/errors.ts';
import { createOptimizedServer } from '../../../src/server.ts';
import { modern } from '../support/http.ts';
import { IDENTITY, serverWith, TestServer } from '../support/test-server.ts';

function construct(config: unknown): TestServer {
  return createOptimizedServer(TestServer, config as ConstructorParameters<typeof TestServer>[0]);
}

function errorOf(config: unknown): OptionError {
  try {
    construct(config);
  } catch (error) {
    if (error instanceof OptionError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const LIMITS = [
  'maxBodyBytes',
  'maxHeaderBytes',
  'maxConnections',
  'headerTimeoutMs',
  'requestTimeoutMs',
  'idleTimeoutMs',
  'streamKeepAliveMs',
  'maxStreamBufferBytes',
  'maxJsonDepth',
  'maxJsonElements',
  'maxUriLength',
  'maxSubscriptions',
  'maxWatchedResources',
];

describe('the configuration', () => {
  it.each([
    ['name', undefined],
    ['name', ''],
    ['name', 5],
    ['version', undefined],
    ['version', ''],
    ['version', 1],
    ['description', undefined],
    ['description', ''],
    ['description', null],
    ['title', ''],
    ['title', 5],
    ['websiteUrl', ''],
    ['websiteUrl', {}],
    ['icons', 'x'],
    ['icons', [5]],
    ['icons', [null]],
    ['icons', {}],
    ['instructions', ''],
    ['instructions', 5],
    ['stdio', 'yes'],
    ['stdio', 5],
    ['stdio', {}],
    ['stdio', null],
    ['stdio', { input: process.stdin }],
    ['listPageSize', 0],
    ['listPageSize', 100_001],
    ['listPageSize', 1.5],
    ['listPageSize', '10'],
    ['handleSignals', 'no'],
    ['handleSignals', 0],
    ['drainTimeoutMs', -1],
    ['drainTimeoutMs', 3_600_001],
    ['drainTimeoutMs', Number.NaN],
    ['clock', 5],
    ['clock', {}],
    ['clock', null],
    ['clock', { ...systemClock, now: 5 }],
    ['http', true],
    ['http', 'localhost'],
    ['http', 3_000],
    ['http', []],
    ['limits', 5],
    ['limits', []],
    ['limits', null],
    ['cacheHints', 5],
    ['cacheHints', null],
    ['requestState', 'secret'],
    ['requestState', null],
    ['stateStore', 5],
    ['stateStore', null],
    ['stateStore', ''],
    ['stateStore', 'postgres://localhost'],
    ['stateStore', 'sqlite:'],
    ['stateStore', 'sqlite::memory:'],
    ['stateStore', 'redis://localhost:6379/x'],
  ])('is refused for the value of %s: %o', (key, value) => {
    expect(errorOf({ ...IDENTITY, [key]: value })).toMatchObject({ code: 'OPTION_INVALID', option: key });
  });

  it.each([
    ['http.sse', { sse: 'yes' }],
    ['http.sse.pth', { sse: { pth: '/sse' } }],
    ['http.sse.path', { sse: { path: 'sse' } }],
    ['http.sse.path', { sse: { path: '/mcp' } }],
    ['http.sse.messagesPath', { sse: { messagesPath: '/sse' } }],
    ['http.sse.messagesPath', { path: '/messages', sse: true }],
    ['http.sse.maxStreams', { sse: { maxStreams: 0 } }],
    ['http.host', { host: '' }],
    ['http.host', { host: 5 }],
    ['http.port', { port: -1 }],
    ['http.port', { port: 65_536 }],
    ['http.port', { port: '80' }],
    ['http.port', { port: 1.5 }],
    ['http.path', { path: 'mcp' }],
    ['http.path', { path: '/a b' }],
    ['http.path', { path: '/a?b' }],
    ['http.path', { path: '' }],
    ['http.path', { path: '/a\r\nX: y' }],
    ['http.lane', { lane: 1 }],
    ['http.allowedHosts', { allowedHosts: 'localhost' }],
    ['http.allowedHosts', { allowedHosts: [''] }],
    ['http.allowedOrigins', { allowedOrigins: [5] }],
    ['http.tls', { tls: 'cert' }],
    ['http.tls', { tls: null }],
    ['http.tls', { tls: [] }],
  ])('is refused for %s in %o', (option, http) => {
    expect(errorOf({ ...IDENTITY, http })).toMatchObject({ option });
  });

  it.each(LIMITS)('checks the limit %s', (key) => {
    for (const value of [-1, 1.5, '10', Number.NaN, Number.POSITIVE_INFINITY, true]) {
      expect(errorOf({ ...IDENTITY, limits: { [key]: value } }).option).toBe(`limits.${key}`);
    }
    expect(() => construct({ ...IDENTITY, limits: { [key]: undefined } })).not.toThrow();
  });

  it.each([
    ['cacheHints.tools/list.ttlMs', { cacheHints: { 'tools/list': { ttlMs: -1 } } }],
    ['cacheHints.tools/list.cacheScope', { cacheHints: { 'tools/list': { cacheScope: 'all' } } }],
    ['cacheHints.tools/list.ttl', { cacheHints: { 'tools/list': { ttl: 5 } } }],
    ['cacheHints.tools/call', { cacheHints: { 'tools/call': {} } }],
    ['requestState.secret', { requestState: { secret: 'too short' } }],
    ['requestState.ttlSeconds', { requestState: { ttlSeconds: 0 } }],
    ['requestState.key', { requestState: { key: 'x' } }],
    ['stateStore.url', { stateStore: { url: 'redis://' } }],
    ['stateStore.keyPrefix', { stateStore: { url: 'redis://localhost', keyPrefix: '' } }],
    ['stateStore.keyPrefix', { stateStore: { url: 'redis://localhost', keyPrefix: 'a{b}' } }],
    ['stateStore.keyPrefix', { stateStore: { url: 'memory', keyPrefix: 'a' } }],
    ['stateStore.timeoutMs', { stateStore: { timeoutMs: 0 } }],
    ['stateStore.maxCharacters', { stateStore: { maxCharacters: 5 } }],
  ])('is refused for %s', (option, config) => {
    expect(errorOf({ ...IDENTITY, ...config }).option).toBe(option);
  });

  it('never shows a secret in its errors', () => {
    expect(errorOf({ ...IDENTITY, requestState: { secret: 'hunter2' } }).message).not.toContain('hunter2');
    for (const stateStore of [
      'redsi://:hunter2@host',
      { url: 'redis://:hunter2@' },
      { ulr: 'redis://:h/hunter2@host' },
    ])
      expect(errorOf({ ...IDENTITY, stateStore }).message).not.toContain('hunter2');
  });

  it.each([
    [{ nmae: 'x' }, 'nmae', 'name'],
    [{ instruction: 'x' }, 'instruction', 'instructions'],
    [{ http: { prot: 1 } }, 'http.prot', 'port'],
    [{ limits: { maxBodybytes: 1 } }, 'limits.maxBodybytes', 'maxBodyBytes'],
    [{ cacheHints: { 'tool/list': {} } }, 'cacheHints.tool/list', 'tools/list'],
    [{ requestState: { ttlSecond: 1 } }, 'requestState.ttlSecond', 'ttlSeconds'],
  ])('names the key that was meant by %o', (config, option, meant) => {
    const error = errorOf({ ...IDENTITY, ...config });
    expect(error.option).toMatch(new RegExp(`${option.replace('/', '\\/')}$`));
    expect(error.message).toContain(`did you mean "${meant}"?`);
  });

  it.each([[undefined], [null], ['name'], [5], [[]]])('cannot be %o', (config) => {
    expect(() => construct(config)).toThrow(OptionError);
  });

  it('takes 0 where 0 is in the range, and does not swallow it', () => {
    const config = {
      ...IDENTITY,
      drainTimeoutMs: 0,
      http: { port: 0 },
      limits: { maxSubscriptions: 0, maxWatchedResources: 0 },
    };
    expect(() => construct(config)).not.toThrow();
  });

  it('cannot be changed afterwards', () => {
    const config = { ...IDENTITY, title: 'T' };
    const server = construct(config);
    expect(Object.isFrozen(server.config)).toBe(true);
    config.title = 'changed';
    expect(server.config.title).toBe('T');
  });

  it('shows all of the server’s identity to clients, in both eras', async () => {
    const icons = [{ src: 'https://a.example/i.png', theme: 'dark' as const }];
    const identity = { ...IDENTITY, title: 'Ünit', websiteUrl: 'https://a.example', icons };
    const server = serverWith((each) => each.registerTool('t', {}, () => ({})), { ...identity, instructions: 'Use t' });
    const { result } = await modern(server, 'server/discover');
    expect(result).toEqual({
      supportedVersions: ['2026-07-28'],
      capabilities: { tools: { listChanged: true }, logging: {} },
      instructions: 'Use t',
      ttlMs: 0,
      cacheScope: 'private',
      resultType: 'complete',
      _meta: { 'io.modelcontextprotocol/serverInfo': identity },
    });
  });

  it('accepts streams for stdio, and takes HTTP for wanted only where it is named then', () => {
    const streams = { input: new PassThrough(), output: new PassThrough() };
    expect(() => construct({ ...IDENTITY, stdio: streams })).not.toThrow();
    expect(() => construct({ ...IDENTITY, stdio: true, http: false })).not.toThrow();
  });
});
