import { describe, expect, it, vi } from 'vitest';
import type { ServerContext } from '../../../src/registry/registry.ts';
import type { RequestEvent } from '../../../src/signal/signal.ts';
import { allMessages, callTool, eventsOf, openModern, post } from '../support/http.ts';
import { codeOf, legacyRequest, textOf } from '../support/messages.ts';
import { Peer } from '../support/peer.ts';
import { faultsOf, type Gate, gate, serverWith, settle, type TestServer, text } from '../support/test-server.ts';

interface Held {
  readonly server: TestServer;
  /** Opens with the context when the handler has begun. */
  readonly begun: Gate<ServerContext>;
  /** Lets the handler go on. */
  readonly goOn: Gate;
  readonly ended: Gate;
  readonly events: RequestEvent[];
}

/** A server with a tool that waits, and one that answers at once. */
function holding(): Held {
  const held = { begun: gate<ServerContext>(), goOn: gate(), ended: gate(), events: [] as RequestEvent[] };
  const server = serverWith((each) => {
    each.registerTool('hold', {}, async (context) => {
      held.begun.open(context);
      await held.goOn.opened;
      context.progress(9);
      await context.mcpReq.log('emergency', 'late');
      held.ended.open();
      return text('held');
    });
    each.registerTool('good', {}, () => text('fine'));
  });
  server.signals.request.on((event) => held.events.push(event));
  return { server, ...held };
}

const NOISY = { meta: { progressToken: 1 }, logLevel: 'debug' };

describe('cancelling on a connection', () => {
  it.each(['modern', 'legacy'] as const)('aborts the handler’s signal, and nothing more is sent: %s', async (era) => {
    const { server, begun, goOn, ended, events } = holding();
    const peer = await Peer.legacy(server);
    const before = peer.messages.length;
    const params = { name: 'hold' };
    void (era === 'modern'
      ? peer.modern('tools/call', params, { id: 'h', ...NOISY })
      : peer.legacy('tools/call', params, 'h'));
    const { signal } = await begun.opened;
    const aborted = vi.fn();
    signal.addEventListener('abort', aborted);
    expect(signal.aborted).toBe(false);
    peer.notify('notifications/cancelled', { requestId: 'h', reason: 'because' });
    expect(signal.aborted).toBe(true);
    expect(aborted).toHaveBeenCalledTimes(1);
    goOn.open();
    await ended.opened;
    await settle();
    expect(peer.messages).toHaveLength(before);
    expect(events.at(-1)).toMatchObject({ method: 'tools/call', target: 'hold', outcome: 'cancelled' });
  });

  it('frees the id', async () => {
    const { server, begun } = holding();
    const peer = await Peer.to(server);
    void peer.modern('tools/call', { name: 'hold' }, { id: 1 });
    await begun.opened;
    peer.notify('notifications/cancelled', { requestId: 1 });
    expect(textOf(await peer.modern('tools/call', { name: 'good' }, { id: 1 }))).toBe('fine');
  });

  it('before the handler looks at its signal shows it aborted', async () => {
    const { server, begun } = holding();
    const peer = await Peer.to(server);
    void peer.modern('tools/call', { name: 'hold' }, { id: 1 });
    const context = await begun.opened;
    peer.notify('notifications/cancelled', { requestId: 1 });
    expect(context.signal.aborted).toBe(true);
    expect(context.signal.reason).toMatchObject({ name: 'AbortError' });
  });

  it.each([
    ['an unknown id', { requestId: 'none' }],
    ['an id of another type', { requestId: '1' }],
    ['no id', {}],
    ['null', { requestId: null }],
    ['an object', { requestId: {} }],
    ['no parameters', undefined],
  ])('takes no notice of %s', async (_what, params) => {
    const { server, begun, goOn } = holding();
    const peer = await Peer.to(server);
    const answer = peer.modern('tools/call', { name: 'hold' }, { id: 1 });
    const { signal } = await begun.opened;
    peer.notify('notifications/cancelled', params);
    expect(signal.aborted).toBe(false);
    goOn.open();
    expect(textOf(await answer)).toBe('held');
    expect(peer.messages).toHaveLength(1);
  });

  it('after the answer does nothing, and touches no later request of the same id', async () => {
    const { server, begun, goOn } = holding();
    const peer = await Peer.to(server);
    await peer.modern('tools/call', { name: 'good' }, { id: 1 });
    peer.notify('notifications/cancelled', { requestId: 1 });
    const answer = peer.modern('tools/call', { name: 'hold' }, { id: 1 });
    await begun.opened;
    goOn.open();
    expect(textOf(await answer)).toBe('held');
  });

  it('reaches this connection’s request alone, though another has the same id', async () => {
    const server = serverWith();
    const contexts: ServerContext[] = [];
    server.registerTool('hold', {}, (context) => {
      contexts.push(context);
      return new Promise(() => {});
    });
    const [one, two] = [await Peer.to(server), await Peer.to(server)];
    void one.modern('tools/call', { name: 'hold' }, { id: 1 });
    void two.modern('tools/call', { name: 'hold' }, { id: 1 });
    const signals = contexts.map(({ signal }) => signal);
    two.notify('notifications/cancelled', { requestId: 1 });
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, true]);
  });

  it('is no fault: a handler that ends by its signal is reported to nobody', async () => {
    const server = serverWith();
    const faults = faultsOf(server);
    const begun = gate();
    server.registerTool('hold', {}, ({ signal }) => {
      begun.open();
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    });
    const peer = await Peer.to(server);
    void peer.modern('tools/call', { name: 'hold' }, { id: 1 });
    await begun.opened;
    peer.notify('notifications/cancelled', { requestId: 1 });
    await settle();
    expect(faults).toEqual([]);
    expect(peer.messages).toEqual([]);
  });

  it('cannot be done to initialize', async () => {
    const peer = await Peer.to(serverWith());
    const answer = peer.legacy('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: {} }, 1);
    peer.notify('notifications/cancelled', { requestId: 1 });
    expect((await answer).result).toHaveProperty('protocolVersion');
  });
});

describe('closing a connection', () => {
  it('cancels all that runs on it, and sends nothing more', async () => {
    const { server, begun, goOn, ended, events } = holding();
    const peer = await Peer.to(server);
    void peer.modern('tools/call', { name: 'hold' }, { id: 1, ...NOISY });
    const { signal } = await begun.opened;
    peer.close();
    expect(signal.aborted).toBe(true);
    goOn.open();
    await ended.opened;
    await settle();
    expect(peer.messages).toEqual([]);
    expect(events).toMatchObject([{ outcome: 'cancelled' }]);
  });
});

describe('two running requests with one id', () => {
  it('on a connection: the second is refused, the first goes on', async () => {
    const { server, begun, goOn } = holding();
    const peer = await Peer.to(server);
    const first = peer.next(({ result }) => result !== undefined);
    void peer.modern('tools/call', { name: 'hold' }, { id: 7 });
    await begun.opened;
    const second = peer.next(({ error }) => error !== undefined);
    peer.send({ jsonrpc: '2.0', id: 7, method: 'ping' });
    expect(await second).toMatchObject({ id: 7, error: { code: -32600 } });
    expect(textOf(await peer.modern('tools/call', { name: 'good' }, { id: '7' }))).toBe('fine');
    goOn.open();
    await first;
    await settle();
    expect(peer.messages.filter(({ id }) => id === 7)).toHaveLength(2);
    expect((await peer.legacy('ping', {}, 7)).result).toEqual({});
  });

  it('over HTTP are two requests like any others', async () => {
    const { server, begun, goOn } = holding();
    const held = callTool(server, 'hold', undefined, { id: 7 });
    await begun.opened;
    expect(textOf(await callTool(server, 'good', undefined, { id: 7 }))).toBe('fine');
    goOn.open();
    expect(textOf(await held)).toBe('held');
  });
});

describe('a disconnect over HTTP', () => {
  it('is the cancellation in the modern era, before anything was sent', async () => {
    const { server, begun, goOn, events } = holding();
    const controller = new AbortController();
    const answer = openModern(server, 'tools/call', { name: 'hold' }, { signal: controller.signal });
    const settled = answer.then(
      () => 'answered',
      () => 'rejected',
    );
    const { signal } = await begun.opened;
    controller.abort();
    expect(signal.aborted).toBe(true);
    expect(['answered', 'rejected']).toContain(await settled);
    goOn.open();
    await settle();
    expect(events).toMatchObject([{ outcome: 'cancelled' }]);
    expect(textOf(await callTool(server, 'good'))).toBe('fine');
  });

  it('is the cancellation while a stream is open, too', async () => {
    const { server, begun, goOn, ended } = holding();
    const response = openModern(server, 'tools/call', { name: 'hold' }, NOISY);
    const context = await begun.opened;
    context.progress(1);
    const events = eventsOf(await response);
    expect((await events.next()).value).toMatchObject({ params: { progress: 1 } });
    const { signal } = context;
    await events.return();
    await settle();
    expect(signal.aborted).toBe(true);
    goOn.open();
    await ended.opened;
  });

  it('that came first is seen all the same', async () => {
    const { server, begun } = holding();
    const answer = openModern(server, 'tools/call', { name: 'hold' }, { signal: AbortSignal.abort() });
    const settled = answer.then(
      () => 'answered',
      () => 'rejected',
    );
    const first = await Promise.race([begun.opened, settled]);
    if (typeof first === 'object') expect(first.signal.aborted).toBe(true);
    expect(['answered', 'rejected']).toContain(await settled);
  });

  it('is no cancellation in the legacy era', async () => {
    const { server, begun, goOn, events } = holding();
    const controller = new AbortController();
    const answer = post(server, legacyRequest('tools/call', { name: 'hold' }), {}, controller.signal);
    answer.catch(() => {});
    const { signal } = await begun.opened;
    controller.abort();
    await settle();
    expect(signal.aborted).toBe(false);
    goOn.open();
    await settle();
    expect(events).toMatchObject([{ outcome: 'ok' }]);
  });

  it('does not reach a request that was answered', async () => {
    const { server, events } = holding();
    const controller = new AbortController();
    const response = await openModern(server, 'tools/call', { name: 'good' }, { signal: controller.signal });
    controller.abort();
    expect(await allMessages(response)).toMatchObject([{ result: {} }]);
    expect(events).toMatchObject([{ outcome: 'ok' }]);
  });

  it('cannot be made by another client’s notification', async () => {
    const { server, begun, goOn } = holding();
    const held = callTool(server, 'hold', undefined, { id: 1 });
    const { signal } = await begun.opened;
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } };
    expect((await post(server, cancel)).status).toBe(202);
    expect(signal.aborted).toBe(false);
    goOn.open();
    expect(textOf(await held)).toBe('held');
    expect(codeOf(await callTool(server, 'none'))).toBe(-32602);
  });
});
