import fc from 'fast-check';
import { expect, it } from 'vitest';
import { StdioTarget } from '../../src/balance/balance.ts';
import type { ChildEvents, Launch } from '../../src/balance/stdio/child-process.ts';
import { FakeClock } from '../../src/testing/testing.ts';
import { LineReader } from '../../src/transport/transport.ts';
import { legacy, resultOf } from '../balance/call-target.ts';

const QUIET = { info: () => {}, warn: () => {} };
const MAX_BYTES = 4_096;

/** A server that answers each request by its arguments, and says junk before, between and after the answers. */
function babbling(junk: readonly Uint8Array[], cuts: readonly number[]): Launch {
  return (_command, events: ChildEvents) => {
    const reader = new LineReader(MAX_BYTES, { line: events.line, tooLong: events.tooLong });
    let at = 0;
    let cut = 0;
    const say = (text: string): void => {
      const noise = junk[at++ % Math.max(1, junk.length)] ?? new Uint8Array();
      const bytes = Buffer.concat([noise, Buffer.from(`\n${text}\n`)]);
      for (let from = 0; from < bytes.length; ) {
        const size = cuts[cut++ % Math.max(1, cuts.length)] ?? bytes.length;
        reader.push(bytes.subarray(from, from + size));
        from += size;
      }
    };
    return {
      pid: undefined,
      write: (line) => {
        const { id, method, params } = JSON.parse(line);
        if (id === undefined || method === undefined) return; // Our answers to what it asks.
        const result =
          method === 'initialize'
            ? { protocolVersion: '2025-11-25', capabilities: {} }
            : { content: [], was: params.name };
        const answer = method === 'server/discover' ? { error: { code: -32601, message: 'no' } } : { result };
        queueMicrotask(() => say(JSON.stringify({ jsonrpc: '2.0', id, ...answer })));
      },
      end: async () => events.ended('ended with code 0'),
    };
  };
}

/** Bytes, texts that nearly are messages, and messages that nobody asked for. */
const noise = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.uint8Array({ minLength: MAX_BYTES + 1, maxLength: MAX_BYTES + 50 }),
  fc
    .oneof(
      fc.json(),
      fc.constantFrom(
        '{"jsonrpc":"2.0"',
        '{"jsonrpc":"2.0","id":1}',
        '[]',
        `${'['.repeat(2_000)}`,
        '{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}',
      ),
      fc
        .record({
          jsonrpc: fc.constantFrom('2.0', '1.0'),
          id: fc.oneof(fc.integer({ min: 1_000 }), fc.string(), fc.constant(null)),
          method: fc.option(fc.constantFrom('ping', 'roots/list', 'notifications/progress', '__proto__'), {
            nil: undefined,
          }),
          params: fc.option(fc.dictionary(fc.string(), fc.jsonValue()), { nil: undefined }),
          result: fc.option(fc.jsonValue(), { nil: undefined }),
        })
        .map((message) => JSON.stringify(message)),
    )
    .map((text) => new TextEncoder().encode(text)),
);

it('answers every call by its own answer, whatever the child says besides', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(noise, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 6 }),
      fc.array(fc.string(), { minLength: 1, maxLength: 5 }),
      async (junk, cuts, names) => {
        const target = new StdioTarget(
          { name: 'babbling', command: 'server', maxMessageBytes: MAX_BYTES },
          { clock: new FakeClock(), random: () => 0.5, logger: QUIET, launch: babbling(junk, cuts) },
        );
        const results = await Promise.all(names.map((name) => resultOf(target, legacy('tools/call', { name }))));
        expect(results.map((result) => result['was'])).toEqual(names);
        await target.close();
      },
    ),
    { numRuns: 300 },
  );
});
