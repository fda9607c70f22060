import axe from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepScreenshot, openPage, startBrowser } from './chromium.ts';
import { alertAt, Stage } from './stage.ts';

let browser: Browser;
let stage: Stage;
beforeAll(async () => {
  browser = await startBrowser();
  stage = await Stage.open({ instances: 4, targets: 12 });
  stage.ticks(700);
  const firedAt = stage.now;
  stage.tick({ alerts: [alertAt(firedAt), alertAt(firedAt, { id: 2, state: 'cleared', clearedAt: firedAt + 9_000 })] });
});
afterAll(async () => {
  await browser.close();
  await stage.close();
});

async function opened(options: BrowserContextOptions): Promise<Page> {
  const { page } = await openPage(browser, stage.url, options);
  await expect.poll(() => page.getByTestId('connection').textContent()).toBe('Live');
  await page.getByRole('button', { name: 'tool_77' }).click();
  return page;
}

/** So high that all is in sight: what is not, is not looked at. */
const HIGH = 6_000;

/** The serious faults that axe finds, each with the first place. */
async function faultsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run()');
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

const colorOf = (page: Page): Promise<string> => page.evaluate('getComputedStyle(document.body).backgroundColor');

describe.each(['light', 'dark'] as const)('in the %s theme', (colorScheme) => {
  it('has no serious fault for people who see, hear or move otherwise', async () => {
    const page = await opened({ colorScheme, viewport: { width: 1_280, height: HIGH } });
    expect(await faultsOf(page)).toEqual([]);
    await keepScreenshot(page, `page-${colorScheme}`);
    await page.setViewportSize({ width: 400, height: HIGH });
    expect(await faultsOf(page)).toEqual([]);
    await keepScreenshot(page, `narrow-${colorScheme}`);
    await page.context().close();
  });
});

it('would be told of such a fault', async () => {
  const page = await opened({});
  await page.evaluate(`document.querySelector('.note').style.color = 'var(--line)'`);
  expect(await faultsOf(page)).toEqual([expect.stringMatching(/^color-contrast: /)]);
  await page.context().close();
});

it('follows the system, or what was chosen, which it remembers', async () => {
  const page = await opened({ colorScheme: 'light' });
  const light = await colorOf(page);
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await colorOf(page);
  expect(dark).not.toBe(light);
  await page.getByRole('button', { name: 'Switch to the light theme' }).click();
  expect(await colorOf(page)).toBe(light);
  await page.reload();
  await page.getByRole('button', { name: 'Switch to the dark theme' }).waitFor();
  expect(await colorOf(page)).toBe(light);
  await page.context().close();
});

it.each([320, 400, 768, 1_920])('fits a screen %i pixels wide', async (width) => {
  const page = await opened({ viewport: { width, height: 800 } });
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
  const clipped = await page.evaluate(`[...document.querySelectorAll('main *')].filter((element) =>
    !element.closest('.hidden') && element.getBoundingClientRect().right > innerWidth + 1).map((element) => element.className)`);
  expect(clipped).toEqual([]);
  const overlapping = await page.evaluate(`[...document.querySelectorAll('th, td')].filter((cell) =>
    cell.scrollWidth > cell.clientWidth + 1).map((cell) => cell.textContent)`);
  expect(overlapping).toEqual([]);
  await page.context().close();
});

it('moves nothing for those who want no motion', async () => {
  const page = await opened({ reducedMotion: 'reduce' });
  const moving = await page.evaluate(`[...document.querySelectorAll('*')].filter((element) => {
    const { transitionDuration, animationName } = getComputedStyle(element);
    return transitionDuration !== '0s' || animationName !== 'none';
  }).length`);
  expect(moving).toBe(0);
  await page.context().close();
});
