import { beforeEach, describe, expect, it } from 'vitest';
import { DnsSource, type DnsSourceOptions, type Resolve } from '../../../../src/balance/sources/dns-source.ts';
import type { Endpoint } from '../../../../src/balance/sources/endpoint-source.ts';
import { FakeClock } from '../../../../src/testing/fake-clock.ts';
import { settle } from '../../cache/instances.ts';

const notFound = Object.assign(new Error('getaddrinfo ENOTFOUND web'), { code: 'ENOTFOUND' });
const timeout = Object.assign(new Error('getaddrinfo EAI_AGAIN web'), { code: 'EAI_AGAIN' });

let clock: FakeClock;
let answer: readonly string[] | Error;
let asked: [string, number | undefined][];
let lists: string[][];
let full: readonly Endpoint[];
let failures: string[];
let source: DnsSource;

beforeEach(() => {
  clock = new FakeClock();
  answer = ['10.0.0.2', '10.0.0.1'];
  [asked, lists, full, failures] = [[], [], [], []];
});

function start(options: Partial<DnsSourceOptions> = {}): Promise<void> {
  const resolve: Resolve = async (name, family) => {
    asked.push([name, family]);
    if (answer instanceof Error) throw answer;
    return answer;
  };
  source = new DnsSource({ name: 'web', port: 3000, ...options }, { clock, resolve });
  return source.start(
    (endpoints) => {
      full = endpoints;
      lists.push(endpoints.map(({ id }) => id));
    },
    (error) => failures.push((error as Error).message),
  );
}

async function refresh(times = 1): Promise<void> {
  for (let time = 0; time < times; time++) {
    clock.advance(5_000);
    await settle();
  }
}

describe('DnsSource', () => {
  it('makes a replica of each address, called by the name', async () => {
    answer = ['10.0.0.2', 'fd00::1', '10.0.0.2'];
    await start({ scheme: 'https', path: '/x' });
    expect(full).toEqual([
      { id: '10.0.0.2:3000', url: 'https://10.0.0.2:3000/x', host: 'web' },
      { id: '[fd00::1]:3000', url: 'https://[fd00::1]:3000/x', host: 'web' },
    ]);
  });

  it('asks again and tells only what is new, whatever the order', async () => {
    await start({ family: 4 });
    answer = ['10.0.0.1', '10.0.0.2'];
    await refresh();
    answer = ['10.0.0.1', '10.0.0.3'];
    await refresh();
    expect(lists).toEqual([
      ['10.0.0.1:3000', '10.0.0.2:3000'],
      ['10.0.0.1:3000', '10.0.0.3:3000'],
    ]);
    expect(asked).toEqual([
      ['web', 4],
      ['web', 4],
      ['web', 4],
    ]);
  });

  it('keeps the last good list while the name server fails, for as long as it does', async () => {
    await start();
    answer = timeout;
    await refresh(100);
    expect(lists).toHaveLength(1);
    expect(failures).toHaveLength(100);
    expect(failures[0]).toBe('the name "web" could not be resolved: getaddrinfo EAI_AGAIN web');
    answer = ['10.0.0.9'];
    await refresh();
    expect(lists.at(-1)).toEqual(['10.0.0.9:3000']);
  });

  it.each([
    ['an empty answer', []],
    ['a name that is gone', notFound],
  ])('keeps the list for a grace time after %s', async (_, empty) => {
    await start({ graceMs: 20_000 });
    answer = empty;
    await refresh(4);
    expect(lists).toHaveLength(1);
    await refresh();
    expect(lists.at(-1)).toEqual([]);
    await refresh(5);
    expect(lists).toHaveLength(2);
    expect(failures).toEqual(['the name "web" has no address; its replicas are kept for 20000 ms']);
  });

  it('begins the grace time anew when an address was there in between', async () => {
    await start({ graceMs: 10_000 });
    answer = [];
    await refresh(2);
    answer = ['10.0.0.1', '10.0.0.2'];
    await refresh();
    answer = [];
    await refresh(2);
    expect(lists).toHaveLength(1);
    await refresh();
    expect(lists.at(-1)).toEqual([]);
  });

  it.each([
    ['no address', [], 'the name "web" has no address'],
    ['a name that is not known', notFound, 'the name "web" has no address'],
    ['a failure', timeout, 'the name "web" could not be resolved: getaddrinfo EAI_AGAIN web'],
  ])('cannot start with %s', async (_, first, message) => {
    answer = first;
    await expect(start()).rejects.toMatchObject({ code: 'ENDPOINTS_UNKNOWN', retryable: true, message });
    expect(clock.timers).toBe(0);
  });

  it('does not ask while an answer is awaited, and tells nothing once it is stopped', async () => {
    let respond: (addresses: readonly string[]) => void = () => {};
    let calls = 0;
    const resolve: Resolve = () => {
      calls++;
      return calls === 1 ? Promise.resolve(['10.0.0.1']) : new Promise((done) => (respond = done));
    };
    const told: unknown[] = [];
    const slow = new DnsSource({ name: 'web', port: 3000 }, { clock, resolve });
    await slow.start(
      (list) => told.push(list),
      (error) => told.push(error),
    );
    clock.advance(60_000);
    await settle();
    expect(calls).toBe(2);
    slow.stop();
    respond(['10.0.0.2']);
    await settle();
    expect(told).toHaveLength(1);
    expect(clock.timers).toBe(0);
  });

  it.each([
    [{ port: 0 }, 'option "dns.port" must be an integer from 1 to 65535, got 0'],
    [{ port: undefined }, 'option "dns.port" is needed, got undefined'],
    [{ name: '' }, 'option "dns.name" must be a non-empty string, got ""'],
    [{ scheme: 'ws' }, 'option "dns.scheme" must be "http" or "https", got "ws"'],
    [{ path: 'mcp' }, 'option "dns.path" must be a path that begins with /, got "mcp"'],
    [{ family: 5 }, 'option "dns.family" must be 4 or 6, got 5'],
    [{ refreshMS: 1 }, 'option "dns.refreshMS" is not known (did you mean "refreshMs"?), got 1'],
  ])('refuses %j', (wrong, message) => {
    expect(() => new DnsSource({ name: 'web', port: 3000, ...wrong } as DnsSourceOptions)).toThrow(message);
  });

  it("resolves as this machine's programs do", async () => {
    const local = new DnsSource({ name: 'localhost', port: 3000, family: 4 }, { clock });
    const ids: string[] = [];
    await local.start(
      (list) => ids.push(...list.map(({ id }) => id)),
      () => {},
    );
    local.stop();
    expect(ids).toEqual(['127.0.0.1:3000']);
  });
});
