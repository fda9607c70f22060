import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { Access, type AccessOptions } from '../../../src/monitor/access.ts';
import { readDashboard } from '../../../src/monitor/dashboard-files.ts';
import { DashboardServer } from '../../../src/monitor/dashboard-server.ts';
import { LiveFeed } from '../../../src/monitor/live-feed.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { vitalsOf } from './alerts/vitals-of.ts';

const TOKEN = 'the-token-of-this-test';
const FILES = new Map([
  ['/', { contentType: 'text/html; charset=utf-8', bytes: Buffer.from('<p>'), isHashed: false }],
  ['/assets/a-1.js', { contentType: 'text/javascript; charset=utf-8', bytes: Buffer.from('1'), isHashed: true }],
]);
const open: DashboardServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function serving(options: AccessOptions = {}, files: typeof FILES = FILES) {
  const clock = new FakeClock();
  const feed = new LiveFeed({ server: { name: 's', version: '1', peregrine: '0' }, startedAt: 0 });
  const faults: unknown[] = [];
  const access = new Access({ host: options.host, token: options.token }, 'monitor');
  const server = new DashboardServer({ access, port: 0, feed, clock, files, onFault: (error) => faults.push(error) });
  open.push(server);
  const { url } = await server.listen();
  return { clock, feed, faults, url: (url ?? '').replace('0.0.0.0', '127.0.0.1') };
}

interface Asked {
  readonly headers?: Record<string, string>;
  readonly method?: string;
  readonly body?: string;
}

async function ask(url: string, { headers = {}, method = 'GET', body = '' }: Asked = {}) {
  const request = httpRequest(url, { method, headers }).end(body);
  const [response] = await once(request, 'response');
  let text = '';
  for await (const piece of response.setEncoding('utf8')) text += piece;
  return { status: response.statusCode as number, headers: response.headers, text };
}

/** How an attempt to watch ended: the first message, or the status of the refusal. */
function watch(url: string, headers: Record<string, string> = {}, query = '') {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/live${query}`, { headers, autoPong: false });
  const first = new Promise<Record<string, unknown> | number>((resolve, reject) => {
    socket.once('message', (message) => resolve(JSON.parse(String(message))));
    socket.once('unexpected-response', (request, { statusCode = 0 }) => {
      request.destroy();
      resolve(statusCode);
    });
    socket.once('error', reject);
  });
  return { socket, first };
}

describe('the dashboard server', () => {
  it('serves the page under a policy that lets nothing else in', async () => {
    const { url } = await serving();
    const page = await ask(`${url}/`);
    expect(page).toMatchObject({ status: 200, text: '<p>', headers: { 'cache-control': 'no-cache' } });
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).not.toMatch(/unsafe|http|\*/);
    expect(page.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
    expect(await ask(`${url}/assets/a-1.js`)).toMatchObject({
      status: 200,
      headers: {
        'content-type': 'text/javascript; charset=utf-8',
        'cache-control': expect.stringMatching(/immutable/),
      },
    });
    expect(await ask(`${url}/`, { method: 'HEAD' })).toMatchObject({ text: '', headers: { 'content-length': '3' } });
    for (const path of ['/assets/', '/..%2f', '/index.html', '//'])
      expect((await ask(url + path)).status, path).toBe(404);
    expect(await ask(`${url}/`, { method: 'POST' })).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
    expect((await ask(`${url}/login`, { method: 'POST' })).status).toBe(405);
  });

  it('says when the page was not built', async () => {
    const { url } = await serving({}, new Map());
    expect(await ask(`${url}/`)).toMatchObject({ status: 503, text: 'the dashboard is not built: npm run build\n' });
    expect(readDashboard('/no/such/folder').size).toBe(0);
  });

  it('says that its port is taken, and does not throw', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const { feed } = await serving();
    const access = new Access({ host: undefined, token: undefined }, 'monitor');
    const parts = { access, feed, clock: new FakeClock(), onFault: () => {}, files: FILES };
    const server = new DashboardServer({ ...parts, port });
    expect(await server.listen()).toEqual({
      name: 'dashboard',
      url: null,
      problem: `127.0.0.1:${port} is in use by another program: the dashboard cannot be read there`,
    });
    await server.close();
    other.close();
  });

  it('refuses names and pages of elsewhere', async () => {
    const { url } = await serving();
    expect((await ask(`${url}/`, { headers: { host: 'evil.example' } })).status).toBe(403);
    const { host } = new URL(url);
    const attempts: [Record<string, string>, number][] = [
      [{ host: 'evil.example', origin: 'http://evil.example' }, 403],
      [{ origin: 'http://evil.example' }, 403],
      [{ origin: 'null' }, 403],
      [{ origin: 'file://' }, 403],
      [{ origin: `http://${new URL(url).host}.evil.example` }, 403],
      [{ origin: 'http://127.0.0.1:1' }, 403],
    ];
    for (const [headers, status] of attempts) expect(await watch(url, headers).first, headers.origin).toBe(status);
    for (const headers of [{ origin: `http://${host}` }, {}]) {
      const { socket, first } = watch(url, headers as Record<string, string>);
      expect(await first).toMatchObject({ type: 'hello' });
      socket.terminate();
    }
  });

  it('with a token asks for it, and keeps a cookie that is not it', async () => {
    const { url } = await serving({ host: '0.0.0.0', token: TOKEN });
    const refused = await ask(`${url}/`);
    expect(refused).toMatchObject({ status: 401, text: expect.stringContaining('action="login"') });
    expect((await ask(`${url}/assets/a-1.js`)).status).toBe(401);
    expect(await watch(url).first).toBe(401);
    for (const wrong of ['', 'x', `${TOKEN}x`, TOKEN.slice(1)]) {
      const answer = await ask(`${url}/?token=${wrong}`);
      expect(answer).toMatchObject({ status: 401, text: expect.stringContaining('not the token') });
      expect(answer.headers).not.toHaveProperty('set-cookie');
      const body = `token=${wrong}`;
      expect((await ask(`${url}/login`, { method: 'POST', body })).status).toBe(401);
    }
    const byAddress = await ask(`${url}/?token=${TOKEN}`);
    const byForm = await ask(`${url}/login`, { method: 'POST', body: `token=${TOKEN}` });
    expect(byForm.headers['set-cookie']).toEqual(byAddress.headers['set-cookie']);
    for (const { status, headers } of [byAddress, byForm]) {
      expect([status, headers.location]).toEqual([303, './']);
      expect(String(headers['set-cookie'])).toMatch(/; Path=\/; HttpOnly; SameSite=Strict$/);
      expect(String(headers['set-cookie'])).not.toContain(TOKEN);
    }
    const cookie = `a=b; ${String(byForm.headers['set-cookie']).split(';')[0]}`;
    expect((await ask(`${url}/`, { headers: { cookie } })).status).toBe(200);
    expect((await ask(`${url}/`, { headers: { cookie: `${cookie}x` } })).status).toBe(401);
    expect((await ask(`${url}/`, { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(200);
    expect(await watch(url, { cookie, origin: 'http://evil.example' }).first).toBe(403);
    const { socket, first } = watch(url, { cookie, origin: url });
    expect(await first).toMatchObject({ type: 'hello' });
    socket.terminate();
    expect((await ask(`${url}/login`, { headers: { cookie } })).status).toBe(303);
  });

  it('reads no more of a form than a form is', async () => {
    const { url, faults } = await serving({ token: TOKEN });
    const body = `x=${'x'.repeat(5_000)}&token=${TOKEN}`;
    const outcome = await ask(`${url}/login`, { method: 'POST', body }).then(
      ({ status }) => status,
      (error: NodeJS.ErrnoException) => error.code,
    );
    expect([401, 'ECONNRESET', 'EPIPE']).toContain(outcome);
    expect(faults).toEqual([]);
  });

  it('sends what was missed since, and then each tick', async () => {
    const { url, feed } = await serving();
    const tick = (at: number) => feed.tick({ vitals: vitalsOf({}, at), instances: [], targets: [], alerts: [] });
    tick(1_000);
    tick(2_000);
    const { socket, first } = watch(url, {}, '?since=1000');
    expect(await first).toMatchObject({ type: 'hello', seconds: { at: [2_000] } });
    const next = once(socket, 'message');
    tick(3_000);
    expect(JSON.parse(String((await next)[0]))).toMatchObject({ type: 'tick', vitals: { at: 3_000 } });
    socket.terminate();
    await vi.waitUntil(() => feed.clients === 0);
    const other = watch(url, {}, '?since=x');
    expect(await other.first).toMatchObject({ seconds: { at: [1_000, 2_000, 3_000] } });
    other.socket.terminate();
  });

  it('drops a page that stops reading, when what waits for it is too much', async () => {
    const { url, feed } = await serving();
    const { socket, first } = watch(url);
    await first;
    const target = 'x'.repeat(100_000);
    let total = 0;
    const tick = () => {
      total++;
      const rows = Array.from({ length: 10 }, (_, index) => `${index} ${target}`);
      const targets = rows.map((name) => ({
        ...{ method: 'tools/call', target: name, total, errors: 0, perSecond: 0, responseTime: null },
      }));
      feed.tick({ vitals: vitalsOf({}, total * 1_000), instances: [], targets, alerts: [] });
    };
    socket.pause();
    await vi.waitUntil(() => {
      tick();
      return feed.clients === 0;
    }, 20_000);
    expect(total).toBeGreaterThan(4);
    expect(total).toBeLessThan(60);
    socket.terminate();
  });

  it('ends who does not answer a ping, who talks, and all when it closes', async () => {
    const { url, clock, feed } = await serving();
    const [deaf, alive, chatty] = [watch(url), watch(url), watch(url)];
    await Promise.all([deaf.first, alive.first, chatty.first]);
    chatty.socket.on('error', () => {}).send('x'.repeat(2_000));
    await once(chatty.socket, 'close');
    const pinged = Promise.all([once(alive.socket, 'ping'), once(deaf.socket, 'ping')]);
    clock.advance(15_000);
    await pinged;
    alive.socket.pong();
    // Behind the pong in the same stream, so the server has read both.
    alive.socket.ping();
    await once(alive.socket, 'pong');
    const ended = once(deaf.socket, 'close');
    clock.advance(15_000);
    await ended;
    await vi.waitUntil(() => feed.clients === 1);
    const closed = once(alive.socket, 'close');
    await open.pop()?.close();
    expect(await closed).toBeDefined();
    expect(clock.timers).toBe(0);
  });

  it('has no room for more than 32', async () => {
    const { url, feed } = await serving();
    const watching = Array.from({ length: 32 }, () => watch(url));
    await Promise.all(watching.map(({ first }) => first));
    expect(await watch(url).first).toBe(503);
    expect(feed.clients).toBe(32);
    watching[0]?.socket.terminate();
    await vi.waitUntil(() => feed.clients === 31);
    expect(await watch(url).first).toMatchObject({ type: 'hello' });
  });
});
