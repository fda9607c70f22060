import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { callTool } from '../cluster/calls.ts';
import { PROGRAM, Supervised } from '../cluster/supervised.ts';
import { keepScreenshot, openPage, startBrowser } from './chromium.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

it('shows real instances, the calls of all of them together, and that one is replaced', async () => {
  const program = new Supervised(PROGRAM, '--instances', '3', '--dashboard-port', '0');
  const url = await program.url();
  await program.ready(3);
  const [, dashboard = ''] = await program.line(/^dashboard on (\S+)$/);
  const { page, problems } = await openPage(browser, dashboard);
  const rows = page.getByRole('region', { name: 'Instances' }).locator('tbody tr');
  const instances = async () => (await rows.locator('th, td:nth-child(-n+2)').allTextContents()).join(' ');
  await expect.poll(instances).toBe('1 ready 2 ready 3 ready');
  const pids = new Set<string>();
  let calls = 0;
  for (; calls < 30 || pids.size < 3; calls++) pids.add(await callTool(url, 'who'));
  const tools = page.getByRole('region', { name: 'Tools, resources and prompts' }).locator('tbody tr');
  await expect.poll(() => tools.first().textContent()).toMatch(new RegExp(`^whotools/call[\\d.]+/s${calls}0 %`));
  const [victim = ''] = pids;
  process.kill(Number(victim), 'SIGKILL');
  await program.line(/is gone: it ended \(SIGKILL\)/);
  await expect.poll(instances).toBe('1 ready 2 ready 3 ready');
  await keepScreenshot(page, 'instances');
  expect(problems).toEqual([]);
});
