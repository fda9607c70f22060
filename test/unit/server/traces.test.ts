import { AsyncLocalStorage } from 'node:async_hooks';
import { Agent, request } from 'node:http';
import { type Context, type ContextManager, context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MODERN_VERSION } from '../../../src/wire/wire.ts';
import { attributesOf, OtlpReceiver } from '../monitor/otlp/receiver.ts';
import { callTool, modern } from '../support/http.ts';
import { modernRequest } from '../support/messages.ts';
import { serverWith, settle, type TestServer, text } from '../support/test-server.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

/** What an author's own set-up of OpenTelemetry brings. */
class Contexts implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();
  active = (): Context => this.#storage.getStore() ?? ROOT_CONTEXT;
  // biome-ignore lint/suspicious/noExplicitAny: the signature of the interface.
  with(inner: Context, run: (...args: any[]) => any, self?: unknown, ...args: unknown[]): any {
    return this.#storage.run(inner, () => run.apply(self, args));
  }
  bind<T>(_: Context, target: T): T {
    return target;
  }
  enable = (): this => this;
  disable = (): this => this;
}

describe('traces of a server', () => {
  const seen: string[] = [];
  let receiver: OtlpReceiver;
  let server: TestServer;
  let url: string;

  beforeEach(async () => {
    seen.length = 0;
    context.setGlobalContextManager(new Contexts());
    receiver = new OtlpReceiver();
    const monitor = {
      prometheusPort: false,
      dashboardPort: false,
      otlp: { endpoint: await receiver.open(), metrics: false },
    } as const;
    server = serverWith(register, { http: { port: 0 }, handleSignals: false, monitor });
    url = (await server.start()).url ?? '';
  });
  afterEach(async () => {
    await server.stop();
    receiver.close();
    context.disable();
  });

  /** Notes the span that a handler's own ones would be below, also after it has waited. */
  const note = async (): Promise<void> => {
    await settle(1);
    seen.push(trace.getSpanContext(context.active())?.spanId ?? 'none');
  };

  function register(to: TestServer): void {
    to.registerTool('record_item', {}, async () => {
      await note();
      return text('ok');
    });
    to.registerTool(
      'kept',
      { cache: { ttlSeconds: 60, scope: 'public' }, annotations: { readOnlyHint: true } },
      async () => {
        await note();
        return text('ok');
      },
    );
    to.registerTool('fails', {}, () => {
      throw new Error('an error of the test');
    });
  }

  const meta = { traceparent: `00-${TRACE}-${SPAN}-01` };

  it("go on with the client's, down to what handlers do", async () => {
    await callTool(server, 'record_item', { note: 'an argument of the test' }, { meta });
    await server.stop();
    const [span] = receiver.spans;
    expect(span).toMatchObject({ name: 'tools/call record_item', traceId: TRACE, parentSpanId: SPAN });
    expect(seen).toEqual([span?.spanId]);
    expect(JSON.stringify(receiver.requests)).not.toContain('an argument');
  });

  it('keep concurrent calls apart', async () => {
    await Promise.all(Array.from({ length: 20 }, () => callTool(server, 'record_item')));
    await server.stop();
    expect(new Set(receiver.spans.map(({ spanId }) => spanId))).toEqual(new Set(seen));
    expect(new Set(seen).size).toBe(20);
  });

  it('have a span for each request, with an answer that was kept as well', async () => {
    await Promise.all([callTool(server, 'kept', {}, { meta }), callTool(server, 'kept', {})]);
    await callTool(server, 'kept', {}, { meta });
    await modern(server, 'tools/list');
    await callTool(server, 'fails');
    await server.stop();
    const spans = receiver.spans.map((span) => `${span.name} ${attributesOf(span)['error.type'] ?? 'ok'}`);
    expect(spans.sort()).toEqual([
      'tools/call fails tool_error',
      'tools/call kept ok',
      'tools/call kept ok',
      'tools/call kept ok',
      'tools/list ok',
    ]);
    expect(seen).toHaveLength(1);
    expect(receiver.spans.map(({ spanId }) => spanId)).toContain(seen[0]);
  });

  it("read the client's in calls that the lane recognises by their frame", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let id = 0; id < 6; id++) expect(await callOverHttp(agent, id % 2 === 0 ? 'record_item' : 'kept')).toBe(200);
    for (let id = 0; id < 6; id++) expect(await callOverHttp(agent, 'kept')).toBe(200);
    agent.destroy();
    await server.stop();
    expect(receiver.spans.map(({ traceId }) => traceId)).toEqual(Array(12).fill(TRACE));
    expect(receiver.spans.filter(({ name }) => name === 'tools/call kept')).toHaveLength(9);
  });

  /** Calls a tool over a connection that is kept, with the same header block each time. */
  function callOverHttp(agent: Agent, name: string): Promise<number | undefined> {
    const headers = {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      'MCP-Protocol-Version': MODERN_VERSION,
      'Mcp-Method': 'tools/call',
      'Mcp-Name': name,
    };
    const body = JSON.stringify(modernRequest('tools/call', { name, arguments: {} }, { meta }));
    return new Promise((resolve, reject) => {
      const sent = request(url, { agent, method: 'POST', headers: { ...headers, 'Content-Length': body.length } });
      sent.on('response', (answer) => answer.resume().on('end', () => resolve(answer.statusCode)));
      sent.on('error', reject).end(body);
    });
  }
});
