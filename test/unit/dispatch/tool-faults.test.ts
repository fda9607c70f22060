import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../../src/wire/wire.ts';
import { callTool, legacy, modern } from '../support/http.ts';
import { codeOf, textOf } from '../support/messages.ts';
import { Peer } from '../support/peer.ts';
import { faultsOf, serverWith, text } from '../support/test-server.ts';

const SECRET = '/srv/app/secret.ts';

function withGetter(member: 'message' | 'name'): Error {
  return Object.defineProperty(new Error('x'), member, {
    get: () => {
      throw new Error(SECRET);
    },
  });
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** What is thrown, and the text that a tool's caller may read of it. */
const THROWN: readonly (readonly [string, () => unknown, string])[] = [
  ['an error', () => new Error('No such product'), 'No such product'],
  [
    'an error of the author',
    () => Object.assign(new (class extends Error {})('Sold out'), { name: 'StockError' }),
    'Sold out',
  ],
  ['an error with a cause', () => new Error('Try later', { cause: new Error(SECRET) }), 'Try later'],
  ['an error without a message', () => new Error(''), 'Tool bad failed'],
  ['a TypeError', () => new TypeError(SECRET), 'Tool bad failed'],
  ['a ReferenceError', () => new ReferenceError(SECRET), 'Tool bad failed'],
  ['a RangeError', () => new RangeError(SECRET), 'Tool bad failed'],
  ['a SyntaxError', () => new SyntaxError(SECRET), 'Tool bad failed'],
  ['an AggregateError', () => new AggregateError([new Error(SECRET)], SECRET), 'Tool bad failed'],
  [
    'an error of the system',
    () => Object.assign(new Error(SECRET), { code: 'ECONNREFUSED', syscall: 'connect', errno: -111 }),
    'Tool bad failed',
  ],
  ['text', () => 'No such product', 'No such product'],
  ['empty text', () => '', 'Tool bad failed'],
  ['null', () => null, 'Tool bad failed'],
  ['undefined', () => undefined, 'Tool bad failed'],
  ['a number', () => 5, 'Tool bad failed'],
  ['a symbol', () => Symbol(SECRET), 'Tool bad failed'],
  ['an object', () => ({ message: SECRET }), 'Tool bad failed'],
  ['an object without a prototype', () => Object.create(null), 'Tool bad failed'],
  ['an error whose message cannot be read', () => withGetter('message'), 'Tool bad failed'],
  ['an error whose name cannot be read', () => withGetter('name'), 'Tool bad failed'],
];

describe('a tool that throws', () => {
  it.each(THROWN)(
    'is answered as an error of the tool; the operator gets what was thrown: %s',
    async (_what, make, shown) => {
      const thrown = make();
      const server = serverWith((each) => {
        each.registerTool('bad', {}, () => {
          throw thrown;
        });
        each.registerTool('good', {}, () => text('fine'));
      });
      const faults = faultsOf(server);
      const reply = await callTool(server, 'bad');
      expect(reply.status).toBe(200);
      expect(reply.result).toMatchObject({ isError: true, resultType: 'complete' });
      expect(textOf(reply)).toBe(shown);
      expect(reply.text).not.toContain(SECRET);
      expect(faults).toHaveLength(1);
      expect(faults[0]?.where).toBe('tools/call bad');
      expect(faults[0]?.error).toBe(thrown);
      expect(textOf(await callTool(server, 'good'))).toBe('fine');
    },
  );

  it.each(THROWN)('by a rejected promise is answered alike, in either era: %s', async (_what, make, shown) => {
    const server = serverWith((each) => {
      each.registerTool('bad', {}, () => Promise.reject(make()));
      each.registerTool('good', {}, () => text('fine'));
    });
    const peer = await Peer.legacy(server);
    for (const reply of [
      await callTool(server, 'bad'),
      await legacy(server, 'tools/call', { name: 'bad' }),
      await peer.legacy('tools/call', { name: 'bad' }),
    ]) {
      expect(reply.result).toMatchObject({ isError: true });
      expect(textOf(reply)).toBe(shown);
    }
    expect(textOf(await peer.legacy('tools/call', { name: 'good' }))).toBe('fine');
  });

  it('something that cannot be looked at at all is answered all the same', async () => {
    const server = serverWith((each) => {
      each.registerTool('now', {}, () => {
        throw revoked();
      });
      each.registerTool('later', {}, () => Promise.reject(revoked()));
      each.registerTool('good', {}, () => text('fine'));
    });
    for (const name of ['now', 'later', 'good']) {
      const reply = await callTool(server, name);
      expect(reply.result ?? reply.error).toBeDefined();
    }
  });

  it.each([
    ['with data', new ProtocolError(-32_042, 'Pay first', { url: 'https://pay.example' }), 200],
    ['without data', new ProtocolError(-32_602, 'No such thing'), 200],
    ['of a missing capability', new ProtocolError(-32_021, 'm', { requiredCapabilities: {} }), 400],
    ['of overload', new ProtocolError(-32_010, 'Busy'), 503],
    ['of a missing method', new ProtocolError(-32_601, 'm'), 404],
  ])('a ProtocolError is answered with just that error: %s', async (_what, error, status) => {
    const server = serverWith((each) =>
      each.registerTool('t', {}, async () => {
        throw error;
      }),
    );
    const faults = faultsOf(server);
    const reply = await callTool(server, 't', undefined, { id: 'x' });
    const { code, message, data } = error;
    expect(reply).toMatchObject({
      status,
      id: 'x',
      error: data === undefined ? { code, message } : { code, message, data },
    });
    expect(reply.headers.get('retry-after')).toBe(status === 503 ? '1' : null);
    expect((await legacy(server, 'tools/call', { name: 't' })).status).toBe(200);
    expect(faults).toEqual([]);
  });

  it.each([
    ['a big integer', 5n],
    [
      'a cycle',
      (() => {
        const data: unknown[] = [];
        data.push(data);
        return data;
      })(),
    ],
    [
      'toJSON that throws',
      {
        toJSON: () => {
          throw new Error(SECRET);
        },
      },
    ],
  ])('a ProtocolError whose data JSON cannot express is answered -32603: %s', async (_what, data) => {
    const server = serverWith((each) => {
      each.registerTool('now', {}, () => {
        throw new ProtocolError(-32_000, 'm', data);
      });
      each.registerTool('later', {}, async () => {
        throw new ProtocolError(-32_000, 'm', data);
      });
      each.registerTool('good', {}, () => text('fine'));
    });
    const faults = faultsOf(server);
    const peer = await Peer.to(server);
    for (const name of ['now', 'later']) {
      const reply = await callTool(server, name);
      expect(codeOf(reply)).toBe(-32603);
      expect(reply.text).not.toContain(SECRET);
      expect(codeOf(await peer.modern('tools/call', { name }))).toBe(-32603);
    }
    expect(faults).toHaveLength(4);
    expect(textOf(await callTool(server, 'good'))).toBe('fine');
  });
});

describe('a prompt or resource that throws', () => {
  it.each(THROWN)('is answered -32603; the operator gets what was thrown: %s', async (_what, make, shown) => {
    const thrown = make();
    const server = serverWith((each) => {
      each.registerPrompt('p', {}, () => {
        throw thrown;
      });
      each.registerResource('r', 'x://r', {}, () => Promise.reject(thrown));
      each.registerTool('good', {}, () => text('fine'));
    });
    const faults = faultsOf(server);
    const replies = [
      await modern(server, 'prompts/get', { name: 'p' }),
      await modern(server, 'resources/read', { uri: 'x://r' }),
    ];
    for (const reply of replies) {
      expect(codeOf(reply)).toBe(-32603);
      expect(['Internal error', shown]).toContain(reply.error?.message);
      expect(reply.text).not.toContain(SECRET);
    }
    expect(faults.map(({ where }) => where)).toEqual(['prompts/get p', 'resources/read r']);
    expect(faults.every(({ error }) => error === thrown)).toBe(true);
    expect(textOf(await callTool(server, 'good'))).toBe('fine');
  });

  it('something that cannot be looked at at all is answered all the same', async () => {
    const server = serverWith((each) => {
      each.registerPrompt('p', {}, () => {
        throw revoked();
      });
      each.registerPrompt('q', {}, () => Promise.reject(revoked()));
      each.registerResource('r', 'x://r', {}, () => {
        throw revoked();
      });
    });
    expect(codeOf(await modern(server, 'prompts/get', { name: 'p' }))).toBe(-32603);
    expect(codeOf(await modern(server, 'prompts/get', { name: 'q' }))).toBe(-32603);
    expect(codeOf(await modern(server, 'resources/read', { uri: 'x://r' }))).toBe(-32603);
  });
});

describe('a handler that never answers', () => {
  it('holds up nobody else, on the same connection or over HTTP', async () => {
    const server = serverWith((each) => {
      each.registerTool('never', {}, () => new Promise(() => {}));
      each.registerTool('good', {}, () => text('fine'));
    });
    const peer = await Peer.to(server);
    void peer.modern('tools/call', { name: 'never' });
    void callTool(server, 'never');
    for (let round = 0; round < 10; round++) {
      expect(textOf(await peer.modern('tools/call', { name: 'good' }))).toBe('fine');
      expect(textOf(await callTool(server, 'good'))).toBe('fine');
    }
  });
});
