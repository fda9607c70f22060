import { describe, expect, it } from 'vitest';
import type { Endpoint } from '../../../../src/balance/sources/endpoint-source.ts';
import { type StaticEndpoint, StaticSource } from '../../../../src/balance/sources/static-source.ts';

async function listOf(endpoints: readonly StaticEndpoint[]): Promise<readonly Endpoint[]> {
  const lists: (readonly Endpoint[])[] = [];
  await new StaticSource(endpoints).start((list) => lists.push(list));
  expect(lists).toHaveLength(1);
  return lists[0] ?? [];
}

describe('StaticSource', () => {
  it('tells what it was given, named by host and port', async () => {
    const list = await listOf([
      'http://a:3000/mcp',
      'https://b/x',
      'http://[::1]/mcp',
      { url: 'http://c', weight: 0.5 },
    ]);
    expect(list).toEqual([
      { id: 'a:3000', url: 'http://a:3000/mcp' },
      { id: 'b:443', url: 'https://b/x' },
      { id: '[::1]:80', url: 'http://[::1]/mcp' },
      { id: 'c:80', url: 'http://c/', weight: 0.5, draining: false },
    ]);
  });

  it('takes names and hosts as they are given', async () => {
    const list = await listOf([{ id: 'one', url: 'https://10.0.0.1/mcp', host: 'api.example', draining: true }]);
    expect(list).toEqual([{ id: 'one', url: 'https://10.0.0.1/mcp', host: 'api.example', draining: true, weight: 1 }]);
  });

  it.each([
    [[], 'option "endpoints" must be a list with at least one endpoint, got an array of 0'],
    [['ftp://a'], 'option "endpoints[0]" must be a URL of http or https, got "ftp://a"'],
    [['http://u:p@a'], 'option "endpoints[0]" must name no user, got "a"'],
    [['http://a/1', 'http://a/2'], 'option "endpoints[1]" is there twice, got "a:80"'],
    [[{ url: 'x' }], 'option "endpoints[0].url" must be a URL of http or https, got "x"'],
    [[{ url: 'http://a', weight: 0 }], 'option "endpoints[0].weight" must be a number from 0.001 to 1000, got 0'],
    [[{ url: 'http://a', wight: 1 }], 'option "endpoints[0].wight" is not known (did you mean "weight"?), got 1'],
  ])('refuses %j', (endpoints, message) => {
    expect(() => new StaticSource(endpoints as StaticEndpoint[])).toThrow(message);
  });
});
