import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { ServerContext } from '../../../src/registry/registry.ts';
import { LOG_LEVELS, type LogLevel, MetaKey } from '../../../src/wire/wire.ts';
import { allMessages, callTool, eventsOf, type HttpOptions, openModern, post } from '../support/http.ts';
import { legacyRequest, type Rpc, textOf } from '../support/messages.ts';
import { Peer } from '../support/peer.ts';
import { faultsOf, gate, serverWith, settle, type TestServer, text } from '../support/test-server.ts';

type Work = (context: ServerContext) => unknown;

/** A server with one tool that does something with its context and then answers. */
function doing(work: Work): TestServer {
  return serverWith((server) => {
    server.registerTool('t', {}, async (context) => {
      await work(context);
      return text('done');
    });
  });
}

async function messagesOf(work: Work, options: HttpOptions = {}): Promise<Rpc[]> {
  return allMessages(await openModern(doing(work), 'tools/call', { name: 't' }, options));
}

const sent = (messages: readonly Rpc[]): unknown[] => messages.slice(0, -1).map(({ params }) => params);
const TOKEN: HttpOptions = { meta: { progressToken: 'tok' } };

describe('a stream', () => {
  it('begins with the first thing that is sent before the result, not sooner', async () => {
    const quiet = await openModern(
      doing(() => {}),
      'tools/call',
      { name: 't' },
      TOKEN,
    );
    expect(quiet.headers.get('content-type')).toBe('application/json');
    const loud = await openModern(
      doing((context) => context.progress(1)),
      'tools/call',
      { name: 't' },
      TOKEN,
    );
    expect(loud.headers.get('content-type')).toBe('text/event-stream');
  });

  it('has the header fields that proxies need', async () => {
    const response = await openModern(
      doing((context) => context.progress(1)),
      'tools/call',
      { name: 't' },
      TOKEN,
    );
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    expect(response.headers.get('cache-control')).toContain('no-cache');
    expect((await allMessages(response)).at(-1)).toMatchObject({ id: 1, result: { resultType: 'complete' } });
  });

  it('carries each message at once, before the handler is done', async () => {
    const next = gate();
    const response = await openModern(
      doing(async (context) => {
        context.progress(1);
        await next.opened;
        context.progress(2);
      }),
      'tools/call',
      { name: 't' },
      TOKEN,
    );
    const events = eventsOf(response);
    expect((await events.next()).value).toMatchObject({ params: { progress: 1 } });
    next.open();
    expect((await events.next()).value).toMatchObject({ params: { progress: 2 } });
    expect((await events.next()).value).toMatchObject({ id: 1, result: {} });
    expect((await events.next()).done).toBe(true);
  });

  it('is no choice for a client that does not accept it: it gets the result alone', async () => {
    const headers = { Accept: 'application/json' };
    const response = await openModern(
      doing((context) => context.progress(1)),
      'tools/call',
      { name: 't' },
      { ...TOKEN, headers },
    );
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toMatchObject({ id: 1, result: {} });
  });

  it('keeps text with line ends on one line', async () => {
    const [first] = await messagesOf((context) => context.progress(1, 2, 'a\nb\r\n\u2028data: c'), TOKEN);
    expect(first?.params).toEqual({ progressToken: 'tok', progress: 1, total: 2, message: 'a\nb\r\n\u2028data: c' });
  });

  it('never carries a request to the client', async () => {
    const tried: unknown[] = [];
    const messages = await messagesOf(async ({ mcpReq }) => {
      for (const attempt of [
        () => mcpReq.elicitInput({}),
        () => mcpReq.requestSampling({}),
        () => mcpReq.send({ method: 'roots/list' }),
      ]) {
        tried.push(await attempt().catch((error: { code?: string }) => error.code));
      }
    });
    expect(tried).toEqual(['SESSION_REQUIRED', 'SESSION_REQUIRED', 'SESSION_REQUIRED']);
    expect(messages).toHaveLength(1);
  });
});

describe('progress', () => {
  it('is sent only to a client that gave a token', async () => {
    expect(await messagesOf((context) => context.progress(1))).toHaveLength(1);
    expect(sent(await messagesOf((context) => context.progress(1), TOKEN))).toEqual([
      { progressToken: 'tok', progress: 1 },
    ]);
  });

  it.each([0, '', 'a', -1])('takes %j for a token', async (progressToken) => {
    const messages = await messagesOf((context) => context.progress(1), { meta: { progressToken } });
    expect(sent(messages)).toEqual([{ progressToken, progress: 1 }]);
  });

  it.each([[{}], [[]], [1.5], [true], [null]])('does not take %j for a token: -32602', async (progressToken) => {
    const [reply] = await messagesOf((context) => context.progress(1), { meta: { progressToken } });
    expect(reply?.error?.code).toBe(-32602);
  });

  it('increases strictly, whatever the handler reports', async () => {
    const reports = fc.array(fc.oneof(fc.integer({ min: -5, max: 5 }), fc.double()), { maxLength: 12 });
    const cases = fc.asyncProperty(reports, async (values) => {
      const messages = await messagesOf((context) => {
        for (const value of values) context.progress(value);
      }, TOKEN);
      const expected: number[] = [];
      for (const value of values) {
        if (Number.isFinite(value) && value > (expected.at(-1) ?? Number.NEGATIVE_INFINITY)) expected.push(value);
      }
      const written = expected.map(
        (progress) => JSON.parse(JSON.stringify({ progressToken: 'tok', progress })) as unknown,
      );
      expect(sent(messages)).toEqual(written);
    });
    await fc.assert(cases, { numRuns: 100 });
  });

  it('has a total and a message where they are given, and no total that is none', async () => {
    const messages = await messagesOf((context) => {
      context.progress(0, 0, '');
      context.progress(1, Number.NaN);
      context.progress(2, Number.POSITIVE_INFINITY, 'm');
      context.progress(3, 10);
    }, TOKEN);
    expect(sent(messages)).toContainEqual({ progressToken: 'tok', progress: 0, total: 0, message: '' });
    expect(sent(messages)).toContainEqual({ progressToken: 'tok', progress: 3, total: 10 });
    for (const params of sent(messages)) expect(params).not.toHaveProperty('total', null);
  });

  it('goes out under this request’s token alone', async () => {
    const notify = (progressToken: unknown, progress: number) => ({
      method: 'notifications/progress',
      params: { progressToken, progress },
    });
    const messages = await messagesOf(async ({ mcpReq, sendNotification }) => {
      await mcpReq.notify(notify('another', 1));
      await mcpReq.notify(notify(undefined, 2));
      await mcpReq.notify({ method: 'notifications/progress' });
      await mcpReq.notify(notify('tok', 3));
      await sendNotification(notify('tok', 4));
    }, TOKEN);
    expect(sent(messages)).toEqual([
      { progressToken: 'tok', progress: 3 },
      { progressToken: 'tok', progress: 4 },
    ]);
  });

  it('stops with the answer', async () => {
    const done = gate();
    const reported = gate();
    const server = serverWith((each) =>
      each.registerTool('t', {}, (context) => {
        void done.opened.then(async () => {
          context.progress(2);
          await context.mcpReq.log('error', 'late');
          await context.mcpReq.notify({ method: 'notifications/message', params: { level: 'error', data: 'late' } });
          reported.open();
        });
        context.progress(1);
        return text('done');
      }),
    );
    const peer = await Peer.to(server);
    await peer.modern('tools/call', { name: 't' }, { ...TOKEN, logLevel: 'debug' });
    const messages = await allMessages(
      await openModern(server, 'tools/call', { name: 't' }, { ...TOKEN, logLevel: 'debug' }),
    );
    done.open();
    await reported.opened;
    await settle();
    expect(messages).toHaveLength(2);
    expect(peer.messages).toHaveLength(2);
  });
});

describe('the context', () => {
  it('can be taken apart, as the official examples do', async () => {
    const messages = await messagesOf(
      async ({ progress, sendNotification, mcpReq: { log, notify, requestState, elicitInput } }) => {
        progress(1);
        await sendNotification({ method: 'notifications/progress', params: { progressToken: 'tok', progress: 2 } });
        await notify({ method: 'notifications/progress', params: { progressToken: 'tok', progress: 3 } });
        await log('info', 'text');
        await log('info', requestState() ?? 'no state');
        await expect(elicitInput({})).rejects.toMatchObject({ code: 'SESSION_REQUIRED' });
      },
      { ...TOKEN, logLevel: 'debug' },
    );
    expect(messages).toHaveLength(6);
    expect(messages.at(-1)).toMatchObject({ result: { content: [{ text: 'done' }] } });
  });

  it('is the same for handlers of tools, prompts and resources', async () => {
    const seen: unknown[] = [];
    const look = (context: ServerContext): void => {
      const { mcpReq, requestId, _meta, clientInfo, clientCapabilities, sessionId, http } = context;
      seen.push({
        id: mcpReq.id,
        requestId,
        same: _meta === mcpReq._meta,
        _meta,
        clientInfo,
        clientCapabilities,
        sessionId,
      });
      seen.push([mcpReq.method, mcpReq.signal === context.signal, http?.req.headers.get('x-own')]);
    };
    const server = serverWith((each) => {
      each.registerTool('t', {}, (context) => {
        look(context);
        return text('');
      });
      each.registerPrompt('p', {}, (context) => {
        look(context);
        return { messages: [] };
      });
      each.registerResource('r', 'x://r', {}, (uri, context) => {
        look(context);
        return { contents: [{ uri: uri.href, text: '' }] };
      });
    });
    const clientInfo = { name: 'c', version: '1', title: 'C' };
    const meta = { [MetaKey.clientInfo]: clientInfo, own: 1 };
    const options = { id: 'i', meta, capabilities: { roots: {} }, headers: { 'X-Own': 'y' } };
    for (const [method, params] of [
      ['tools/call', { name: 't' }],
      ['prompts/get', { name: 'p' }],
      ['resources/read', { uri: 'x://r' }],
    ] as const) {
      await openModern(server, method, params, options);
      expect(seen.splice(0)).toEqual([
        {
          id: 'i',
          requestId: 'i',
          same: true,
          _meta: { own: 1 },
          clientInfo,
          clientCapabilities: { roots: {} },
          sessionId: undefined,
        },
        [method, true, 'y'],
      ]);
    }
  });
});

describe('log messages', () => {
  const logAll: Work = async ({ mcpReq }) => {
    for (const level of LOG_LEVELS) await mcpReq.log(level, { level });
  };
  const levelsOf = (messages: readonly Rpc[]): unknown[] =>
    sent(messages).map((params) => (params as { level: LogLevel }).level);

  it.each(LOG_LEVELS)('are sent at or above the level of the request: %s', async (logLevel) => {
    expect(levelsOf(await messagesOf(logAll, { logLevel }))).toEqual(LOG_LEVELS.slice(LOG_LEVELS.indexOf(logLevel)));
    const peer = await Peer.to(doing(logAll));
    await peer.modern('tools/call', { name: 't' }, { logLevel });
    expect(levelsOf(peer.messages)).toEqual(LOG_LEVELS.slice(LOG_LEVELS.indexOf(logLevel)));
  });

  it('are not sent in the modern era without a level, not even after one was set in the old way', async () => {
    expect(levelsOf(await messagesOf(logAll))).toEqual([]);
    const peer = await Peer.legacy(doing(logAll));
    await peer.legacy('logging/setLevel', { level: 'debug' });
    const before = peer.messages.length;
    await peer.modern('tools/call', { name: 't' });
    expect(peer.messages).toHaveLength(before + 1);
  });

  it('are all sent over legacy HTTP, which knows no level', async () => {
    const messages = await allMessages(await post(doing(logAll), legacyRequest('tools/call', { name: 't' })));
    expect(levelsOf(messages)).toEqual(LOG_LEVELS);
  });

  it('have a logger where one is named, and no level that does not exist', async () => {
    const messages = await messagesOf(
      async ({ mcpReq }) => {
        await mcpReq.log('info', [1, null], 'db');
        await mcpReq.log('loud' as LogLevel, 'x');
        await mcpReq.notify({ method: 'notifications/message', params: { level: 'info', data: 'own' } });
      },
      { logLevel: 'debug' },
    );
    expect(sent(messages)).toEqual([
      { level: 'info', logger: 'db', data: [1, null] },
      { level: 'info', data: 'own' },
    ]);
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
          throw new Error('no');
        },
      },
    ],
  ])('that JSON cannot express are lost alone, without ending anything: %s', async (_what, data) => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const server = doing(({ mcpReq }) => {
      void mcpReq.log('error', data);
      void mcpReq.notify({ method: 'notifications/own', params: { data } });
      void mcpReq.log('error', 'next');
    });
    const faults = faultsOf(server);
    const messages = await allMessages(await openModern(server, 'tools/call', { name: 't' }, { logLevel: 'debug' }));
    await settle();
    process.off('unhandledRejection', unhandled);
    expect(sent(messages)).toEqual([{ level: 'error', data: 'next' }]);
    expect(unhandled).not.toHaveBeenCalled();
    expect(faults).toHaveLength(2);
    expect(textOf(await callTool(server, 't'))).toBe('done');
  });

  it('a total that is no number ends nothing either', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const messages = await messagesOf((context) => context.progress(1, 5n as never, Symbol('s') as never), TOKEN);
    await settle();
    process.off('unhandledRejection', unhandled);
    expect(messages.at(-1)).toMatchObject({ result: { content: [{ text: 'done' }] } });
    expect(unhandled).not.toHaveBeenCalled();
  });
});
