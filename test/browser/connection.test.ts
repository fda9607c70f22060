import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HelloMessage } from '../../src/monitor/monitor.ts';
import { modernFields } from '../unit/support/http.ts';
import { modernRequest } from '../unit/support/messages.ts';
import { serverWith, type TestServer, text } from '../unit/support/test-server.ts';
import { keepScreenshot, openPage, startBrowser } from './chromium.ts';
import { Stage } from './stage.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

const connection = (page: Page) => page.getByTestId('connection').textContent();
const uptime = (page: Page) => page.getByTestId('uptime').textContent();

/** What a page asked for, and was told first, in each of its connections. */
function listen(page: Page): { readonly since: number; readonly hello: () => HelloMessage }[] {
  const opened: { readonly since: number; readonly hello: () => HelloMessage }[] = [];
  page.on('websocket', (socket) => {
    const frames: string[] = [];
    socket.on('framereceived', ({ payload }) => frames.push(String(payload)));
    socket.on('framereceived', () => {
      if (frames.length === 1) opened.push({ since: toSince(socket.url()), hello: () => JSON.parse(frames[0] ?? '') });
    });
  });
  return opened;
}

function toSince(url: string): number {
  return Number(new URL(url).searchParams.get('since'));
}

describe('a connection that is lost', () => {
  it('is told of, and what was missed comes with the next', async () => {
    const stage = await Stage.open();
    stage.ticks(10);
    const { page } = await openPage(browser, stage.url);
    await expect.poll(() => connection(page)).toBe('Live');
    const opened = listen(page);
    await page.reload();
    await expect.poll(() => uptime(page)).toBe('10 s');
    await stage.close();
    await expect.poll(() => connection(page)).toBe('Not connected');
    const lost = page.getByTestId('lost');
    expect(await lost.textContent()).toMatch(/^Connection lost at \d\d:\d\d:\d\d\./);
    expect(await lost.getByRole('button', { name: 'Retry now' }).count()).toBe(1);
    await keepScreenshot(page, 'connection-lost');
    expect(await uptime(page)).toBe('10 s');
    const lastSeen = stage.now;
    stage.ticks(5);
    await stage.reopen();
    await expect.poll(() => connection(page)).toBe('Live');
    expect(await lost.count()).toBe(0);
    expect(await uptime(page)).toBe('15 s');
    expect(opened.map(({ since }) => since)).toEqual([0, lastSeen]);
    expect(opened[0]?.hello().seconds.at).toHaveLength(10);
    expect(opened[1]?.hello().seconds.at).toEqual([1, 2, 3, 4, 5].map((second) => lastSeen + second * 1_000));
    await page.context().close();
    await stage.close();
  });

  it('is tried at once when the reader asks for it', async () => {
    const stage = await Stage.open();
    stage.tick();
    const { page } = await openPage(browser, stage.url);
    await expect.poll(() => connection(page)).toBe('Live');
    await page.clock.install();
    await stage.close();
    await expect.poll(() => connection(page)).toBe('Not connected');
    await stage.reopen();
    await page.getByRole('button', { name: 'Retry now' }).click();
    await expect.poll(() => connection(page)).toBe('Live');
    await page.context().close();
    await stage.close();
  });
});

async function call(url: string, name: string): Promise<void> {
  const params = { name };
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...modernFields('tools/call', params),
    },
    body: JSON.stringify(modernRequest('tools/call', params)),
  });
  await response.text();
  expect(response.status).toBe(200);
}

describe('a real server', () => {
  const start = async (dashboardPort: number): Promise<{ server: TestServer; mcp: string; dashboard: string }> => {
    const server = serverWith(
      (made) => {
        made.registerTool('greets', {}, async () => text('hello'));
        made.registerTool('fails', {}, async () => {
          throw new Error('no');
        });
      },
      { http: { port: 0 }, handleSignals: false, monitor: { prometheusPort: false, dashboardPort } },
    );
    const { url } = await server.start();
    const [{ url: dashboard } = { url: null }] = server.monitor.outlets;
    return { server, mcp: url ?? '', dashboard: dashboard ?? '' };
  };

  it('shows its traffic, and is found again by the page after a restart', async () => {
    const first = await start(0);
    const { page, problems } = await openPage(browser, first.dashboard);
    await expect.poll(() => connection(page)).toBe('Live');
    const total = (name: string) => {
      const row = page.locator('tr', { has: page.getByRole('button', { name }) });
      return row.locator('td').nth(2).textContent({ timeout: 500 });
    };
    for (let count = 0; count < 30; count++) await call(first.mcp, 'greets');
    for (let count = 0; count < 3; count++) await call(first.mcp, 'fails');
    await expect.poll(() => total('greets')).toBe('30');
    await expect.poll(() => total('fails')).toBe('3');
    await expect.poll(() => page.getByTestId('tile-Memory').textContent()).toMatch(/^\d+ MB$/);
    await first.server.stop();
    await expect.poll(() => connection(page)).toBe('Not connected');
    const again = await start(Number(new URL(first.dashboard).port));
    await expect.poll(() => connection(page)).toBe('Live');
    await call(again.mcp, 'greets');
    await expect.poll(() => total('greets')).toBe('1');
    expect(await page.getByRole('button', { name: 'fails' }).count()).toBe(0);
    expect(problems).toEqual([]);
    await again.server.stop();
  });
});
