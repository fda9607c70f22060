import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CancelTimer } from '../../../../src/kernel/clock.ts';
import type { Logger } from '../../../../src/kernel/logger.ts';
import { type PostRequest, Webhook, type WebhookSettings } from '../../../../src/monitor/alerts/webhook.ts';
import type { AlertRecord } from '../../../../src/monitor/monitor.ts';
import { HttpPool } from '../../../../src/pool/pool.ts';
import { FakeClock } from '../../../../src/testing/testing.ts';

const SECRET = 'a secret of the test';

function alert(id: number, state: AlertRecord['state'] = 'firing'): AlertRecord {
  const times = { firedAt: 1_000, clearedAt: state === 'firing' ? null : 2_000 };
  return { id, key: 'connectionPool', subject: 'main', instance: '2', state, value: 97.25, threshold: 90, ...times };
}

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Receives what is posted, and answers each as the test says. */
class Receiver {
  readonly received: Received[] = [];
  readonly server: Server;

  constructor(answer: (response: ServerResponse, index: number) => void) {
    this.server = createServer((request, response) => {
      void textOf(request).then((body) => {
        this.received.push({ headers: request.headers, body });
        answer(response, this.received.length - 1);
      });
    });
  }

  async url(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/hooks/secret-path`;
  }
}

const status =
  (...codes: number[]) =>
  (response: ServerResponse, index: number): void => {
    response.writeHead(codes[Math.min(index, codes.length - 1)] ?? 500).end('what nobody reads');
  };

/** Tells which timer was set last. */
class NotedClock extends FakeClock {
  lastDelay = 0;

  override after(delayMs: number, run: () => void): CancelTimer {
    this.lastDelay = delayMs;
    return super.after(delayMs, run);
  }
}

describe('Webhook', () => {
  const lines: string[] = [];
  const logger: Logger = { info: (_, line) => lines.push(line), warn: (_, line) => lines.push(line) };
  const clock = new NotedClock(Date.UTC(2026, 6, 1));
  const open: { close(): unknown }[] = [];
  let pool: HttpPool;

  beforeEach(() => {
    pool = new HttpPool({});
    lines.length = 0;
  });
  afterEach(async () => {
    for (const one of open.splice(0)) one.close();
    await pool.close();
  });

  async function to(receiver: Receiver, settings: Partial<WebhookSettings> = {}): Promise<Webhook> {
    const url = await receiver.url();
    const webhook = withPost((...args) => pool.fetch(...args), { url, ...settings });
    open.push(receiver.server);
    return webhook;
  }

  function withPost(post: PostRequest, settings: Partial<WebhookSettings> = {}): Webhook {
    const all = {
      url: 'http://127.0.0.1:9/hooks/secret-path',
      secret: SECRET,
      timeoutMs: 10_000,
      retries: 5,
      ...settings,
    };
    const webhook = new Webhook({ settings: all, server: 'unit', clock, random: () => 0.5, post, logger });
    open.push(webhook);
    return webhook;
  }

  /** Waits until the webhook waits so long for its next try, and goes to that time. */
  async function retry(delayMs: number): Promise<void> {
    await vi.waitFor(() => expect(clock.lastDelay).toBe(delayMs), { interval: 1 });
    clock.advance(delayMs);
  }

  const emptied = (webhook: Webhook): Promise<void> =>
    vi.waitFor(() => expect(webhook.pending).toBe(0), { interval: 1 });

  it('posts an alert with a signature that its receiver can verify', async () => {
    const receiver = new Receiver(status(204));
    const webhook = await to(receiver);
    webhook.send(alert(1));
    await emptied(webhook);
    const [{ headers, body }] = receiver.received as [Received];
    const [, seconds, digest] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['peregrine-signature'])) ?? [];
    expect(Number(seconds)).toBe(Math.floor(clock.wallNow() / 1_000));
    expect(digest).toBe(createHmac('sha256', SECRET).update(`${seconds}.${body}`).digest('hex'));
    expect(headers['content-type']).toBe('application/json');
    expect(JSON.parse(body)).toEqual({
      type: 'alert',
      id: headers['peregrine-delivery'],
      server: 'unit',
      text: 'Pool utilization of "main" on instance 2 is 97.3 %, above 90 %',
      alert: alert(1),
    });
  });

  it('does not sign without a secret', async () => {
    const receiver = new Receiver(status(200));
    const webhook = await to(receiver, { secret: undefined });
    webhook.send(alert(1));
    await emptied(webhook);
    expect(receiver.received[0]?.headers).not.toHaveProperty('peregrine-signature');
  });

  it('tries again what fails, ever more slowly, and keeps the order', async () => {
    const receiver = new Receiver(status(500, 503, 429, 200));
    const webhook = await to(receiver);
    webhook.send(alert(1));
    webhook.send(alert(1, 'cleared'));
    for (const delayMs of [750, 1_500, 3_000]) await retry(delayMs);
    await emptied(webhook);
    const deliveries = receiver.received.map(({ headers }) => headers['peregrine-delivery']);
    expect(new Set(deliveries.slice(0, 4)).size).toBe(1);
    const states = receiver.received.map(({ body }) => JSON.parse(body).alert.state);
    expect(states).toEqual(['firing', 'firing', 'firing', 'firing', 'cleared']);
    expect(lines).toEqual([]);
  });

  it('gives up after the last retry, and goes on with the next', async () => {
    const receiver = new Receiver(status(500, 500, 500, 200));
    const webhook = await to(receiver, { retries: 2 });
    webhook.send(alert(1));
    webhook.send(alert(2));
    for (const delayMs of [750, 1_500]) await retry(delayMs);
    await emptied(webhook);
    expect(receiver.received).toHaveLength(4);
    expect(lines).toEqual([
      expect.stringMatching(/^an alert was not delivered to http:\/\/127\.0\.0\.1:\d+: status 500$/),
    ]);
  });

  it.each([301, 400, 401, 404, 410])('does not repeat what was answered with %i', async (code) => {
    const receiver = new Receiver((response) => response.writeHead(code, { location: '/elsewhere' }).end());
    const webhook = await to(receiver);
    webhook.send(alert(1));
    await emptied(webhook);
    expect(receiver.received).toHaveLength(1);
    expect(lines).toHaveLength(1);
  });

  it('waits for an answer no longer than its time limit', async () => {
    const receiver = new Receiver((response, index) => {
      if (index > 0) response.writeHead(200).end();
    });
    const webhook = await to(receiver);
    webhook.send(alert(1));
    await vi.waitFor(() => expect(receiver.received).toHaveLength(1), { interval: 1 });
    clock.advance(10_000);
    await retry(750);
    await emptied(webhook);
    expect(receiver.received).toHaveLength(2);
  });

  it('is not held up by a function that never settles', async () => {
    let calls = 0;
    const webhook = withPost(() =>
      calls++ === 0 ? new Promise(() => {}) : Promise.resolve({ status: 200, body: null }),
    );
    webhook.send(alert(1));
    clock.advance(10_000);
    await retry(750);
    await emptied(webhook);
    expect(calls).toBe(2);
  });

  it('keeps a bounded number, the newest, while nobody answers', async () => {
    const webhook = withPost(() => Promise.reject(new Error('connection refused')));
    for (let id = 1; id <= 200; id++) webhook.send(alert(id));
    expect(webhook.pending).toBe(101);
    expect(lines).toHaveLength(99);
    expect(lines[0]).toBe('an alert was not delivered to http://127.0.0.1:9: too many wait');
    await vi.waitFor(() => expect(clock.lastDelay).toBe(750), { interval: 1 });
    webhook.close();
    expect(clock.timers).toBe(0);
    expect(lines).toHaveLength(200);
    expect(webhook.pending).toBe(0);
  });

  it('ends a post under way when it is closed', async () => {
    let ended = false;
    const webhook = withPost(
      (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            ended = true;
            reject(signal.reason);
          });
        }),
    );
    webhook.send(alert(1));
    webhook.close();
    await emptied(webhook);
    expect(ended).toBe(true);
    expect(clock.timers).toBe(0);
    expect(lines).toEqual(['an alert was not delivered to http://127.0.0.1:9: the server stops']);
  });

  it('says neither its secret nor the path of its URL', async () => {
    const webhook = withPost(() => Promise.reject(new Error('refused')), { retries: 0 });
    webhook.send(alert(1));
    await emptied(webhook);
    expect(lines.join()).not.toMatch(/secret/);
  });
});
