import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openPage, startBrowser } from './chromium.ts';
import { Stage, type StageOptions, targetOf } from './stage.ts';

const TICKS = 20;
let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

/** Lets seconds pass, each once the page has shown the one before. */
async function pass(stage: Stage, page: Page, ticks: number): Promise<void> {
  for (let tick = 0; tick < ticks; tick++) {
    const before = await page.getByTestId('uptime').textContent();
    stage.tick();
    await expect.poll(() => page.getByTestId('uptime').textContent(), { interval: 20 }).not.toBe(before);
  }
}

/** Milliseconds of the main thread for a second's news, and the longest task, with a full history. */
async function costOf(options: StageOptions) {
  const stage = await Stage.open(options);
  stage.ticks(900);
  const { page } = await openPage(browser, stage.url);
  await expect.poll(() => page.getByTestId('connection').textContent()).toBe('Live');
  await page.getByRole('heading', { name: 'Tools, resources and prompts' }).scrollIntoViewIfNeeded();
  await page.mouse.move(600, 600);
  await page.mouse.wheel(0, 500);
  await pass(stage, page, 5);
  await page.evaluate(`(() => {
    globalThis.longest = 0;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, duration);
    }).observe({ type: 'longtask' });
  })()`);
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  const taskMs = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return 1_000 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN);
  };
  const before = await taskMs();
  await pass(stage, page, TICKS);
  const perTickMs = ((await taskMs()) - before) / TICKS;
  const longestMs = await page.evaluate<number>('globalThis.longest');
  await page.context().close();
  await stage.close();
  return { perTickMs, longestMs };
}

it('draws 16 instances and 200 tools in a time like that of one and five', async () => {
  const small = await costOf({ instances: 1, targets: 5 });
  const large = await costOf({ instances: 16, targets: 200 });
  const show = ({ perTickMs, longestMs }: typeof small) =>
    `${perTickMs.toFixed(1)} ms of the main thread a second, longest task ${longestMs.toFixed(0)} ms`;
  console.log(`1 instance, 5 tools: ${show(small)}\n16 instances, 200 tools: ${show(large)}`);
  expect(large.perTickMs).toBeLessThan(8 * small.perTickMs);
});

it('touches no row that did not change', async () => {
  const stage = await Stage.open({ targets: 200 });
  stage.ticks(3);
  const { page } = await openPage(browser, stage.url);
  await expect.poll(() => page.getByRole('button', { name: /^tool_/ }).count()).toBe(200);
  await page.evaluate(`(() => {
    globalThis.touched = new Set();
    new MutationObserver((changes) => {
      for (const { target } of changes) {
        const row = (target.nodeType === 1 ? target : target.parentElement).closest('tr');
        if (row) globalThis.touched.add(row.querySelector('th').textContent);
      }
    }).observe(document.querySelector('.targets tbody'), { subtree: true, childList: true, characterData: true, attributes: true });
  })()`);
  await pass(stage, page, 1);
  const touched = await page.evaluate<string[]>('[...globalThis.touched].toSorted()');
  const changed = Array.from({ length: 200 }, (_, index) => index)
    .filter((index) => JSON.stringify(targetOf(index, 3)) !== JSON.stringify(targetOf(index, 4)))
    .map((index) => targetOf(index, 4).target);
  expect(changed.length).toBeGreaterThan(50);
  expect(changed.length).toBeLessThan(80);
  expect(touched).toEqual(changed.toSorted());
  await page.context().close();
  await stage.close();
});
