import { describe, expect, it } from 'vitest';
import { allMessages, callTool, openModern, post, readReply } from '../support/http.ts';
import { legacyRequest, textOf } from '../support/messages.ts';
import { faultsOf, gate, settle, text } from '../support/test-server.ts';
import { cachedTool } from './cached-tool.ts';

const NOISY = { meta: { progressToken: 'p' }, logLevel: 'debug' };

/** A tool that waits, and tells of its progress before and after. */
function waiting(cache = {}) {
  const hold = gate();
  const tool = cachedTool({ ttlSeconds: 60, ...cache }, async ({ context, number }) => {
    context.progress(1);
    await hold.opened;
    context.progress(2);
    await context.mcpReq.log('info', 'late');
    if (context._meta?.progressToken !== undefined) await context.sendNotification({ method: 'notifications/late' });
    return text(`run ${number}, aborted: ${context.signal.aborted}, ${context.mcpReq.signal === context.signal}`);
  });
  return { ...tool, hold };
}

describe('a call that is made for several clients', () => {
  it('goes on when the first client leaves', async () => {
    const { server, runs, hold } = waiting();
    const faults = faultsOf(server);
    const leaving = new AbortController();
    const first = openModern(server, 'tools/call', { name: 'find' }, { signal: leaving.signal, ...NOISY });
    first.catch(() => {});
    await settle();
    const second = callTool(server, 'find');
    await settle();
    leaving.abort();
    await settle();
    expect(runs[0]?.context.signal.aborted).toBe(false);
    hold.open();
    expect(textOf(await second)).toBe('run 1, aborted: false, true');
    expect(textOf(await callTool(server, 'find'))).toBe('run 1, aborted: false, true');
    expect([runs.length, faults.length]).toEqual([1, 0]);
  });

  it('ends when the last one leaves; what it makes of that is kept for nobody', async () => {
    const { server, runs, hold } = waiting();
    const leaving = [new AbortController(), new AbortController()];
    for (const { signal } of leaving) {
      openModern(server, 'tools/call', { name: 'find' }, { signal }).catch(() => {});
      await settle();
    }
    leaving[0]?.abort();
    expect(runs[0]?.context.signal.aborted).toBe(false);
    leaving[1]?.abort();
    await settle();
    expect(runs[0]?.context.signal.aborted).toBe(true);
    const next = callTool(server, 'find');
    await settle();
    hold.open();
    expect(textOf(await next)).toBe('run 2, aborted: false, true');
    await settle();
    expect(textOf(await callTool(server, 'find'))).toBe('run 2, aborted: false, true');
    expect(server.cache.statistics().size).toBe(1);
  });

  it('keeps nothing of a handler that stops half-way since nobody waits, though it comes last', async () => {
    const [hold, more] = [gate(), gate()];
    const { server } = cachedTool({}, async ({ context, number }) => {
      await (number === 1 ? hold : more).opened;
      return text(context.signal.aborted ? 'half' : 'whole');
    });
    const leaving = new AbortController();
    openModern(server, 'tools/call', { name: 'find' }, { signal: leaving.signal }).catch(() => {});
    await settle();
    leaving.abort();
    await settle();
    const next = callTool(server, 'find');
    more.open();
    expect(textOf(await next)).toBe('whole');
    hold.open();
    await settle();
    expect(textOf(await callTool(server, 'find'))).toBe('whole');
  });

  it('tells of its progress to the first client alone, and answers all', async () => {
    const { server, hold } = waiting();
    const [first, second] = [1, 2].map((id) => openModern(server, 'tools/call', { name: 'find' }, { id, ...NOISY }));
    await settle();
    hold.open();
    const messages = await allMessages((await first) as Response);
    expect(messages.map(({ method }) => method)).toEqual([
      'notifications/progress',
      'notifications/progress',
      'notifications/message',
      'notifications/late',
      undefined,
    ]);
    const answer = await readReply((await second) as Response);
    expect([messages.at(-1)?.id, answer.id]).toEqual([1, 2]);
    expect(answer.result).toEqual(messages.at(-1)?.result);
  });

  it('leaves nothing of that to a client that is answered later', async () => {
    const { server, hold } = waiting();
    hold.open();
    await allMessages(await openModern(server, 'tools/call', { name: 'find' }, NOISY));
    const response = await openModern(server, 'tools/call', { name: 'find' }, NOISY);
    expect(response.headers.get('content-type')).toBe('application/json');
  });

  it('says nothing more to a client that was answered with an older value', async () => {
    const hold = gate();
    const { server, clock, runs } = cachedTool({ ttlSeconds: 1, staleSeconds: 60 }, async ({ context, number }) => {
      if (number === 2) await hold.opened;
      context.progress(number);
      await context.mcpReq.log('info', 'late');
      return text(`run ${number}, aborted: ${context.signal.aborted}`);
    });
    await callTool(server, 'find');
    clock.advance(1_000);
    const [response, another] = [1, 2].map((id) =>
      openModern(server, 'tools/call', { name: 'find' }, { id, ...NOISY }),
    );
    for (const each of [response, another])
      expect(textOf(await readReply((await each) as Response))).toBe('run 1, aborted: false');
    hold.open();
    await settle();
    expect(runs).toHaveLength(2);
    expect(textOf(await callTool(server, 'find'))).toBe('run 2, aborted: false');
  });

  it('is not ended by a disconnect in the legacy revisions', async () => {
    const { server, runs, hold } = waiting();
    const leaving = new AbortController();
    const call = legacyRequest('tools/call', { name: 'find' });
    const fields = { 'MCP-Protocol-Version': '2025-11-25' };
    post(server, call, fields, leaving.signal).catch(() => {});
    await settle();
    leaving.abort();
    await settle();
    expect(runs[0]?.context.signal.aborted).toBe(false);
    hold.open();
    expect(textOf(await readReply(await post(server, call, fields)))).toBe('run 1, aborted: false, true');
  });

  it('shows the handler the request of the first client', async () => {
    const { server, runs } = cachedTool();
    await callTool(
      server,
      'find',
      {},
      { id: 'me', meta: { own: 1 }, headers: { 'X-Who': 'me' }, capabilities: { roots: {} } },
    );
    const { context } = runs[0] ?? {};
    expect(context).toMatchObject({
      requestId: 'me',
      _meta: { own: 1 },
      sessionId: undefined,
      clientCapabilities: { roots: {} },
      mcpReq: { id: 'me', method: 'tools/call', _meta: { own: 1 }, inputResponses: undefined },
    });
    expect(context?.http?.req.headers.get('x-who')).toBe('me');
    expect(context?.mcpReq.requestState()).toBeUndefined();
    await expect(context?.mcpReq.elicitInput({})).rejects.toMatchObject({ code: 'SESSION_REQUIRED' });
  });
});
