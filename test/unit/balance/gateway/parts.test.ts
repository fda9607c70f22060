import { describe, expect, it } from 'vitest';
import { BackendCircuits, type Passage } from '../../../../src/balance/gateway/circuits.ts';
import { EventGate } from '../../../../src/balance/gateway/event-gate.ts';
import { RetryBudget } from '../../../../src/balance/gateway/retry-budget.ts';
import { SafeCalls } from '../../../../src/balance/gateway/safe-calls.ts';
import { SessionIds } from '../../../../src/balance/gateway/session-ids.ts';
import { FakeClock } from '../../../../src/testing/testing.ts';

describe('the circuits of a backend', () => {
  const start = () => {
    const clock = new FakeClock();
    const circuits = new BackendCircuits({ name: 'a', threshold: 3, resetTimeout: 30_000, timeout: 0, clock });
    const call = (tool: string | undefined, outcome: 'success' | 'failure' | 'unknown'): boolean => {
      const passage: Passage = { entry: 0, toolEntry: 0 };
      if (!circuits.enter(tool, passage)) return false;
      circuits.leave(tool, passage, outcome);
      return true;
    };
    return { clock, circuits, call };
  };

  it('open for a tool that fails while others work', () => {
    const { call, clock } = start();
    for (let turn = 0; turn < 3; turn++) {
      expect(call('bad', 'failure')).toBe(true);
      expect(call('good', 'success')).toBe(true);
    }
    expect([call('bad', 'success'), call('good', 'success'), call(undefined, 'success')]).toEqual([false, true, true]);
    clock.advance(30_000);
    expect([call('bad', 'success'), call('bad', 'success')]).toEqual([true, true]);
  });

  it('open for all calls when all fail in a row, and let one through after a while', () => {
    const { call, clock } = start();
    for (const tool of ['x', 'y', undefined]) call(tool, 'failure');
    expect([call('z', 'success'), call(undefined, 'success')]).toEqual([false, false]);
    clock.advance(30_000);
    expect([call('z', 'failure'), call('z', 'success')]).toEqual([true, false]);
  });

  it('count failures of calls that began together', () => {
    const { circuits, call } = start();
    const passages = [1, 2, 3].map(() => ({ entry: 0, toolEntry: 0 }));
    for (const passage of passages) circuits.enter('bad', passage);
    for (const passage of passages) circuits.leave('bad', passage, 'failure');
    call('good', 'success');
    expect(circuits.statistics().map(({ name, state }) => [name, state])).toEqual([
      ['a', 'open'],
      ['a bad', 'open'],
    ]);
  });

  it('take no memory for names that clients invent, nor for tools that work again', () => {
    const { circuits, call, clock } = start();
    for (let index = 0; index < 1_000; index++) {
      call(`invented ${index}`, 'success');
      call(`failing ${index}`, 'failure');
      call(undefined, 'success');
    }
    expect(circuits.statistics().length).toBe(257);
    clock.advance(30_000);
    for (let index = 0; index < 1_000; index++) call(`failing ${index}`, 'success');
    expect(circuits.statistics().length).toBe(1);
  });
});

describe('the budget of retries', () => {
  it('is a share of the requests of ten seconds and a number a second', () => {
    const budget = new RetryBudget({ share: 0.2, perSecond: 1 });
    const takeAll = (now: number): number => {
      let taken = 0;
      while (budget.take(now)) taken++;
      return taken;
    };
    for (let index = 0; index < 100; index++) budget.request(5_000);
    expect(takeAll(5_500)).toBe(30);
    expect(takeAll(14_999)).toBe(0);
    expect(takeAll(15_000)).toBe(10); // Requests and retries of ten seconds ago are forgotten.
    expect(takeAll(1_000_000)).toBe(10);
  });
});

describe('safe calls', () => {
  const safe = new SafeCalls(['get', 'find_*', '*_status', 'a*b*c', '*']);
  it.each([
    ['tools/list', undefined, true],
    ['resources/read', 'x://y', true],
    ['completion/complete', undefined, true],
    ['initialize', undefined, false],
    ['notifications/initialized', undefined, false],
    [undefined, undefined, false],
    ['tools/call', undefined, false],
    ['tools/call', 'anything', true],
  ])('%s %s: %s', (method, name, expected) => {
    expect(safe.isSafe(method, name)).toBe(expected);
  });

  it.each([
    ['get', 'get', true],
    ['get', 'get2', false],
    ['find_*', 'find_', true],
    ['find_*', 'xfind_', false],
    ['*_status', 'order_status', true],
    ['*_status', 'order_status2', false],
    ['a*b*c', 'a__b__c', true],
    ['a*b*c', 'abc', true],
    ['a*b*c', 'ac', false],
    ['a*a', 'a', false],
    ['ab*ba', 'aba', false],
    ['a.c', 'abc', false],
  ])('%s matches %s: %s', (glob, name, expected) => {
    expect(new SafeCalls([glob]).isSafe('tools/call', name)).toBe(expected);
  });
});

describe('session ids', () => {
  const ids = new SessionIds('a secret of many characters, at least');

  it('carry id and owner to every gateway with the secret', () => {
    const sealed = ids.seal('things', { id: 'own.id-1', backend: 'a:80' });
    expect(sealed).toMatch(/^[\x21-\x7e]+$/);
    const other = new SessionIds('a secret of many characters, at least');
    expect(other.open('things', sealed)).toEqual({ id: 'own.id-1', backend: 'a:80' });
  });

  it('are refused when anything of them was changed, or the server is another', () => {
    const sealed = ids.seal('things', { id: 'own', backend: 'a:80' });
    for (let at = 0; at < sealed.length; at++) {
      const changed = `${sealed.slice(0, at)}${sealed[at] === 'A' ? 'B' : 'A'}${sealed.slice(at + 1)}`;
      expect(ids.open('things', changed), `at ${at}`).toBeUndefined();
    }
    for (const wrong of ['', 'own', '.', '..', 'a..b', sealed.slice(1), `${sealed}x`, sealed.slice(0, -1)])
      expect(ids.open('things', wrong), wrong).toBeUndefined();
    expect(ids.open('others', sealed)).toBeUndefined();
    expect(new SessionIds(undefined).open('things', sealed)).toBeUndefined();
  });
});

describe('the gate of events', () => {
  const pass = (pieces: readonly string[]) => {
    const gate = new EventGate();
    const passed = pieces.map((piece) => gate.take(Buffer.from(piece))?.toString());
    return { passed, rest: gate.rest()?.toString(), isBetween: gate.isBetweenEvents };
  };

  it('lets whole events through at once', () => {
    expect(pass(['data: 1\n\n', ': x\r\n\r\n', 'data: 2\r\r'])).toEqual({
      passed: ['data: 1\n\n', ': x\r\n\r\n', 'data: 2\r\r'],
      rest: undefined,
      isBetween: true,
    });
  });

  it('holds what is not whole until it is', () => {
    expect(pass(['data: 1\n\nda', 'ta: 2\n', '\ndata'])).toEqual({
      passed: ['data: 1\n\n', undefined, 'data: 2\n\n'],
      rest: 'data',
      isBetween: true,
    });
  });

  it('passes one that is too long to hold in parts, and knows that it is inside', () => {
    const gate = new EventGate();
    const long = Buffer.alloc(65_537, 'x');
    expect(gate.take(long)?.length).toBe(65_537);
    expect(gate.isBetweenEvents).toBe(false);
    expect(gate.take(Buffer.from('yz'))?.toString()).toBe('yz');
    expect(gate.take(Buffer.from('!\n\nnext'))?.toString()).toBe('!\n\n');
    expect([gate.isBetweenEvents, gate.rest()?.toString()]).toEqual([true, 'next']);
  });
});
