import { expect, it } from 'vitest';
import { inputRequired } from '../../../src/index.ts';
import { PEOPLE, stage } from './people.ts';

it('shows none of a hundred people what was kept for another, on connections that they share', async () => {
  const { call } = await stage();
  for (let round = 0; round < 5; round++) {
    const order = round % 2 === 0 ? PEOPLE : PEOPLE.toReversed();
    const answers = await Promise.all(order.map((person) => call(person, 'mine', { key: 'k' })));
    for (const [index, person] of order.entries()) expect(answers[index]).toContain(`"k of ${person}"`);
  }
});

it('takes the sealed state of a round from nobody but whom it was given to', async () => {
  const { server, call } = await stage();
  server.registerTool('ask', {}, ({ mcpReq, auth }) => {
    const state = mcpReq.requestState();
    if (state !== undefined) return { content: [{ type: 'text', text: `${auth?.subject} had ${state}` }] };
    return inputRequired({ requestState: `the state of ${auth?.subject}` });
  });
  const states = new Map<string, string>();
  for (const person of PEOPLE.slice(0, 10)) {
    const { result } = JSON.parse(await call(person, 'ask', {}));
    states.set(person, result.requestState);
  }
  for (const [owner, requestState] of states) {
    expect(await call(owner, 'ask', {}, { requestState })).toContain(`${owner} had the state of ${owner}`);
    for (const other of PEOPLE.slice(0, 10).filter((person) => person !== owner))
      expect(JSON.parse(await call(other, 'ask', {}, { requestState })).error.code).toBe(-32602);
  }
});
