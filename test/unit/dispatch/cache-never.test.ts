import { describe, expect, it } from 'vitest';
import { inputRequired } from '../../../src/registry/registry.ts';
import { ErrorCode, ProtocolError } from '../../../src/wire/wire.ts';
import { callTool, type HttpOptions, legacy, modern } from '../support/http.ts';
import { codeOf, textOf } from '../support/messages.ts';
import { faultsOf, gate, settle, text } from '../support/test-server.ts';
import { type Answering, cachedTool } from './cached-tool.ts';

const CAN_ASK: HttpOptions = { capabilities: { elicitation: {} } };
const ASK = () =>
  inputRequired({
    inputRequests: {
      name: inputRequired.elicit({ message: 'Name?', requestedSchema: { type: 'object', properties: {} } }),
    },
    requestState: 'state',
  });

describe('what is never kept', () => {
  const never: [string, Answering, object][] = [
    ['a result that is an error', () => ({ ...text('bad'), isError: true }), { isError: true }],
    [
      'a thrown error',
      () => {
        throw new Error('bad');
      },
      { isError: true },
    ],
    ['a rejection', () => Promise.reject(new Error('bad')), { isError: true }],
    ['a request for input', ASK, { resultType: 'input_required' }],
  ];
  it.each(never)('%s', async (_title, answer, expected) => {
    const { server, runs } = cachedTool({ ttlSeconds: 60, scope: 'public', staleSeconds: 60 }, answer);
    for (const _ of [1, 2]) expect((await callTool(server, 'find', {}, CAN_ASK)).result).toMatchObject(expected);
    expect(runs).toHaveLength(2);
    expect(server.cache.statistics()).toMatchObject({ size: 0, memoryHits: 0 });
  });

  it('a result that does not fit its output schema', async () => {
    const outputSchema = { type: 'object', required: ['n'] };
    const { server, runs } = cachedTool(undefined, () => ({ content: [], structuredContent: {} }), {
      tool: { outputSchema },
    });
    for (const _ of [1, 2]) expect((await callTool(server, 'find')).result).toMatchObject({ isError: true });
    expect(runs).toHaveLength(2);
  });

  it.each([
    ['of the protocol', new ProtocolError(-32602, 'no'), -32602],
    ['that JSON cannot express', 1n, ErrorCode.InternalError],
  ])('an error %s', async (_title, thing, code) => {
    const { server, runs } = cachedTool(undefined, () => {
      if (thing instanceof Error) throw thing;
      return { content: [], structuredContent: { thing } };
    });
    for (const _ of [1, 2]) expect(codeOf(await callTool(server, 'find'))).toBe(code);
    expect(runs).toHaveLength(2);
  });

  it('a result that is too large', async () => {
    const { server, runs } = cachedTool(undefined, ({ args }) => text('x'.repeat(Number(args.size))), {
      server: { cache: { maxEntryBytes: 2_000 } },
    });
    for (const size of [3_000, 3_000, 100, 100]) {
      const reply = await callTool(server, 'find', { size });
      expect(String(textOf(reply))).toHaveLength(size);
    }
    expect(runs.map(({ args }) => args.size)).toEqual([3_000, 3_000, 100]);
    expect(server.cache.statistics()).toMatchObject({ size: 1, tooLarge: 2 });
  });

  it('a later round, and it is served nothing that is kept', async () => {
    const { server, runs } = cachedTool(undefined, ({ args, context, number }) => {
      const state = context.mcpReq.requestState();
      return args.ask === true && state === undefined ? ASK() : text(`run ${number} ${state}`);
    });
    const params = { name: 'find', arguments: { ask: true } };
    const first = await modern(server, 'tools/call', params, CAN_ASK);
    const later = {
      ...params,
      requestState: first.result?.requestState,
      inputResponses: { name: { action: 'decline' } },
    };
    for (const run of [2, 3])
      expect(textOf(await modern(server, 'tools/call', later, CAN_ASK))).toBe(`run ${run} state`);
    expect((await modern(server, 'tools/call', params, CAN_ASK)).result?.resultType).toBe('input_required');

    const known = { name: 'find', arguments: { ask: false } };
    expect(textOf(await modern(server, 'tools/call', known))).toBe('run 5 undefined');
    const withResponses = { ...known, inputResponses: {} };
    expect(textOf(await modern(server, 'tools/call', withResponses))).toBe('run 6 undefined');
    expect(textOf(await modern(server, 'tools/call', known))).toBe('run 5 undefined');
    expect(codeOf(await modern(server, 'tools/call', { ...known, requestState: 'made up' }))).toBe(-32602);
    expect(runs).toHaveLength(6);
  });
});

describe('an answer that cannot be shared', () => {
  it('is asked for by each client that waits: what to put in, with a state of its own', async () => {
    const hold = gate();
    const { server, runs } = cachedTool({ scope: 'public' }, async ({ number }) => {
      await hold.opened;
      return { ...ASK(), requestState: `state ${number}` };
    });
    const calls = [1, 2, 3].map(() => callTool(server, 'find', {}, CAN_ASK));
    await settle();
    expect(runs).toHaveLength(1);
    hold.open();
    const states = (await Promise.all(calls)).map(({ result }) => result?.requestState);
    expect(new Set(states).size).toBe(3);
    expect(runs).toHaveLength(3);
  });

  it('is an error about what the first client cannot do', async () => {
    const hold = gate();
    const { server, runs } = cachedTool({ scope: 'public' }, async () => {
      await hold.opened;
      return ASK();
    });
    const calls = [callTool(server, 'find'), callTool(server, 'find', {}, CAN_ASK)];
    await settle();
    hold.open();
    const [cannot, can] = await Promise.all(calls);
    expect(cannot && codeOf(cannot)).toBe(ErrorCode.MissingClientCapability);
    expect(can?.result).toMatchObject({ resultType: 'input_required' });
    expect(runs).toHaveLength(2);
  });

  it('counts for each who waited as what it is', async () => {
    const hold = gate();
    const { server } = cachedTool({}, async ({ args }) => {
      await hold.opened;
      return args.ask === true ? ASK() : { ...text('bad'), isError: true };
    });
    const outcomes: string[] = [];
    server.signals.request.on(({ outcome }) => outcomes.push(outcome));
    const calls = [false, false, true, true].map((ask) => callTool(server, 'find', { ask }, CAN_ASK));
    await settle();
    hold.open();
    await Promise.all(calls);
    expect(outcomes.sort()).toEqual(['input_required', 'input_required', 'tool_error', 'tool_error']);
  });

  it('an error is shared by those who wait, each under its id', async () => {
    const hold = gate();
    const { server, runs } = cachedTool({}, async () => {
      await hold.opened;
      throw new ProtocolError(-32602, 'no such thing', { id: 7 });
    });
    const calls = ['a', 'b'].map((id) => callTool(server, 'find', {}, { id }));
    await settle();
    hold.open();
    const error = { code: -32602, message: 'no such thing', data: { id: 7 } };
    expect(await Promise.all(calls)).toMatchObject([
      { id: 'a', error },
      { id: 'b', error },
    ]);
    expect(runs).toHaveLength(1);
  });
});

describe('an older answer stands in', () => {
  const failing = (fail: () => never) => {
    let fails = false;
    const tool = cachedTool({ ttlSeconds: 1, staleIfErrorSeconds: 60 }, ({ number }) =>
      fails ? fail() : text(`run ${number}`),
    );
    return {
      ...tool,
      failsAfterwards: async () => {
        await callTool(tool.server, 'find');
        fails = true;
        tool.clock.advance(1_000);
        return callTool(tool.server, 'find');
      },
    };
  };

  it.each([
    ['an internal error', ErrorCode.InternalError],
    ['overload', ErrorCode.Overloaded],
  ])('for %s', async (_title, code) => {
    const { server, failsAfterwards } = failing(() => {
      throw new ProtocolError(code, 'down');
    });
    const faults = faultsOf(server);
    expect(textOf(await failsAfterwards())).toBe('run 1');
    expect(faults).toMatchObject([{ where: 'tools/call find', error: { message: 'down' } }]);
  });

  it('not for an error that the handler chose as its answer', async () => {
    const { failsAfterwards } = failing(() => {
      throw new ProtocolError(-32602, 'no such thing');
    });
    expect(await failsAfterwards()).toMatchObject({ error: { code: -32602, message: 'no such thing' } });
  });

  it('not for a result that says it is an error', async () => {
    let isError = false;
    const { server, clock } = cachedTool({ ttlSeconds: 1, staleIfErrorSeconds: 60 }, () => ({
      ...text('it'),
      isError,
    }));
    await callTool(server, 'find');
    isError = true;
    clock.advance(1_000);
    expect((await callTool(server, 'find')).result).toMatchObject({ isError: true });
  });
});

describe('the author’s functions', () => {
  const boom = () => {
    throw new Error('boom');
  };

  it.each([
    ['a key that throws', { key: boom }, 'boom'],
    ['a key that is a function', { key: () => boom }, 'cache.key must answer a JSON value or undefined'],
    ['a key that is a promise', { key: async () => 'a' }, 'cache.key must answer a JSON value or undefined'],
    ['a key that is NaN', { key: () => Number.NaN }, 'cache.key must answer a JSON value or undefined'],
    ['tags that throw', { tags: boom }, 'boom'],
    ['tags that are none', { tags: () => 'all' as never }, 'cache.tags must answer a list of texts'],
  ])('do not keep a client from its answer: %s', async (_title, cache, message) => {
    const { server, runs } = cachedTool(cache);
    const faults = faultsOf(server);
    for (const run of [1, 2]) expect(textOf(await callTool(server, 'find', { q: 1 }))).toBe(`run ${run}`);
    expect(faults).toMatchObject(Array(2).fill({ where: 'tools/call find', error: { message } }));
    expect(runs).toHaveLength(2);
    expect(server.cache.statistics().size).toBe(0);
  });

  it('a `key` of undefined is no fault', async () => {
    const { server, runs } = cachedTool({ key: () => undefined });
    const faults = faultsOf(server);
    for (const _ of [1, 2]) await callTool(server, 'find');
    expect([runs.length, faults.length]).toEqual([2, 0]);
  });
});

it('keeps nothing of a legacy call that cannot be asked', async () => {
  const { server, runs } = cachedTool(undefined, ASK);
  for (const _ of [1, 2])
    expect((await legacy(server, 'tools/call', { name: 'find' }, { Accept: 'application/json' })).result).toMatchObject(
      { isError: true },
    );
  expect(runs).toHaveLength(2);
});
