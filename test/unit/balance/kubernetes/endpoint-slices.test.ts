import { describe, expect, it } from 'vitest';
import {
  type EndpointSlice,
  portsOf,
  type SliceOptions,
  toEndpoints,
} from '../../../../src/balance/kubernetes/endpoint-slices.ts';
import { type SliceContent, slice } from './support.ts';

const OPTIONS: SliceOptions = {
  scheme: 'http',
  path: '/mcp',
  port: 'http',
  family: undefined,
  host: 'web.default.svc',
};

const slices = (...contents: readonly SliceContent[]): EndpointSlice[] =>
  contents.map((content, index) => slice(`web-${index}`, content));

const idsOf = (all: EndpointSlice[], options: Partial<SliceOptions> = {}): string[] =>
  toEndpoints(all, { ...OPTIONS, ...options }).map(({ id, draining }) => (draining ? `${id} draining` : id));

describe('the endpoints of slices', () => {
  it('are those of all slices', () => {
    const all = slices({ endpoints: [{ address: '10.0.0.1' }] }, { endpoints: [{ address: '10.0.0.2' }] });
    expect(toEndpoints(all, OPTIONS)).toEqual([
      { id: '10.0.0.1:3000', url: 'http://10.0.0.1:3000/mcp', host: 'web.default.svc' },
      { id: '10.0.0.2:3000', url: 'http://10.0.0.2:3000/mcp', host: 'web.default.svc' },
    ]);
  });

  it.each([
    [{ ready: true, serving: true, terminating: false }, '10.0.0.1:3000'],
    [{}, '10.0.0.1:3000'],
    [{ ready: false, serving: false, terminating: false }, undefined],
    [{ ready: false }, undefined],
    [{ ready: false, serving: true, terminating: true }, '10.0.0.1:3000 draining'],
    [{ ready: false, serving: false, terminating: true }, '10.0.0.1:3000 draining'],
    [{ ready: true, serving: true, terminating: true }, '10.0.0.1:3000 draining'],
  ])('with the conditions %j: %s', (conditions, expected) => {
    const all = slices({ endpoints: [{ address: '10.0.0.1', ...conditions }] });
    expect(idsOf(all)).toEqual(expected === undefined ? [] : [expected]);
  });

  it('are there once while they are moved from slice to slice, as what they are in the better one', () => {
    const ready = { endpoints: [{ address: '10.0.0.1', uid: 'a' }] };
    const ending = { endpoints: [{ address: '10.0.0.1', uid: 'a', terminating: true }] };
    expect(idsOf(slices(ready, ready))).toEqual(['10.0.0.1:3000']);
    expect(idsOf(slices(ending, ready))).toEqual(['10.0.0.1:3000']);
    expect(idsOf(slices(ready, ending))).toEqual(['10.0.0.1:3000']);
    expect(idsOf(slices(ending, ending))).toEqual(['10.0.0.1:3000 draining']);
  });

  it('have one address each where a service has both families', () => {
    const six: SliceContent = { type: 'IPv6', endpoints: [{ address: 'fd00::1', uid: 'a' }] };
    const four: SliceContent = { endpoints: [{ address: '10.0.0.1', uid: 'a' }] };
    expect(idsOf(slices(six, four))).toEqual(['10.0.0.1:3000']);
    expect(idsOf(slices(four, six), { family: 6 })).toEqual(['[fd00::1]:3000']);
    expect(idsOf(slices(six))).toEqual(['[fd00::1]:3000']);
    expect(idsOf(slices(six), { family: 4 })).toEqual([]);
  });

  it('are of addresses only', () => {
    expect(idsOf(slices({ type: 'FQDN', endpoints: [{ address: 'example.org' }] }))).toEqual([]);
  });

  it('listen on the port that is asked for', () => {
    const ports = [
      { name: 'http', port: 3000 },
      { name: 'metrics', port: 9090 },
    ];
    const all = slices({ ports, endpoints: [{ address: '10.0.0.1' }] });
    expect(idsOf(all, { port: 'metrics' })).toEqual(['10.0.0.1:9090']);
    expect(idsOf(all, { port: 3000 })).toEqual(['10.0.0.1:3000']);
    expect(idsOf(all, { port: 'other' })).toEqual([]);
    expect(idsOf(all, { port: undefined })).toEqual([]);
    expect(portsOf(all)).toEqual(['http (3000)', 'metrics (9090)']);
    const only = slices({ ports: [{ port: 8080 }], endpoints: [{ address: '10.0.0.1' }] });
    expect(idsOf(only, { port: undefined })).toEqual(['10.0.0.1:8080']);
    expect(portsOf(only)).toEqual(['8080']);
  });

  it('may differ in the number of a named port', () => {
    const all = slices(
      { ports: [{ name: 'http', port: 3000 }], endpoints: [{ address: '10.0.0.1' }] },
      { ports: [{ name: 'http', port: 4000 }], endpoints: [{ address: '10.0.0.2' }] },
    );
    expect(idsOf(all)).toEqual(['10.0.0.1:3000', '10.0.0.2:4000']);
  });

  it('are none where a slice has nothing', () => {
    const bare = { metadata: { name: 'x' }, addressType: 'IPv4' };
    expect(toEndpoints([bare, { ...bare, ports: null, endpoints: null }], OPTIONS)).toEqual([]);
  });
});
