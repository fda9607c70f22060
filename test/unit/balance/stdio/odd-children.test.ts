import { expect, it } from 'vitest';
import { StdioTarget } from '../../../../src/balance/balance.ts';
import { FakeClock } from '../../../../src/testing/testing.ts';
import { legacy, resultOf } from '../../../balance/call-target.ts';
import { type FakeChild, fakeLaunch } from './fake-child.ts';

function start(): { readonly target: StdioTarget; readonly child: FakeChild } {
  const { launch, children } = fakeLaunch();
  const logger = { info: () => {}, warn: () => {} };
  const target = new StdioTarget({ name: 'behind', command: 'server' }, { clock: new FakeClock(), launch, logger });
  return { target, child: children[0] as FakeChild };
}

it('takes capabilities that are nothing for none', async () => {
  const { target, child } = start();
  const result = resultOf(target, legacy('tools/call', { name: 'x' }));
  child.greet({ tools: {}, resources: null, prompts: 'yes' });
  child.answer('tools/call', { content: [] });
  expect(await result).toEqual({ content: [] });
  const greeting = await resultOf(target, legacy('initialize', { protocolVersion: '2025-11-25', capabilities: {} }));
  expect(greeting['capabilities']).toEqual({ tools: {} });
});

it('gives up a child whose revision is no text', () => {
  const { child } = start();
  child.say({ id: 'discover', error: { code: -32601, message: 'no' } });
  child.answer('initialize', { protocolVersion: { toString: 1, valueOf: 1 }, capabilities: {} });
  expect(child.isEnded).toBe(true);
});
