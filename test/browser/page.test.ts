import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openPage, startBrowser } from './chromium.ts';
import { alertAt, Stage, type StageOptions, vitalsAt } from './stage.ts';

let browser: Browser;
const stages: Stage[] = [];
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
  await Promise.all(stages.splice(0).map((stage) => stage.close()));
});

async function opened(options: StageOptions = {}, seconds = 3) {
  const stage = await Stage.open(options);
  stages.push(stage);
  stage.ticks(seconds);
  const { page, problems } = await openPage(browser, stage.url);
  await expect.poll(() => page.getByTestId('connection').textContent()).toBe('Live');
  return { stage, page, problems };
}

const figure = (page: Page, title: string) => page.getByTestId(`tile-${title}`).textContent();
const tableOf = (page: Page, heading: string) => page.getByRole('region', { name: heading }).locator('tbody tr');
/** Runs in the page, of whose kind this program knows nothing. */
const INKED_PIXELS = `(() => {
  const canvas = document.querySelectorAll('figure canvas')[0];
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((value, index) => index % 4 === 3 && value > 0).length;
})()`;

/** Names of the rows of tools that are shown, from the top. */
const names = (page: Page) => tableOf(page, 'Tools, resources and prompts').locator('th').allTextContents();
const shown = (page: Page) => page.getByRole('button', { name: /^tool_/ });

describe('the page', () => {
  it('shows what there is, and each second what came', async () => {
    const { stage, page, problems } = await opened();
    expect(await page.title()).toBe('catalogue · Peregrine');
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('catalogue');
    await expect.poll(() => page.getByTestId('uptime').textContent()).toBe('3 s');
    const vitals = vitalsAt(4, stage.now + 1_000);
    stage.tick({
      vitals: {
        ...vitals,
        requests: { ...vitals.requests, perSecond: 12_345.6, errorRate: 0.0123, inFlight: 7 },
        responseTime: { p50: 0.5, p95: 12.34, p99: 1_250 },
        cache: { ...vitals.cache, hitRate: null },
        memory: { ...vitals.memory, resident: 2.5e8 },
        cpu: { usage: 42, load: 1 },
      },
    });
    await expect.poll(() => figure(page, 'Throughput')).toBe('12,346 /s');
    const figures = ['P50', 'P95', 'P99', 'Error rate', 'Cache hit rate', 'In flight', 'CPU', 'Memory'];
    expect(await Promise.all(figures.map((title) => figure(page, title)))).toEqual([
      ...['0.50 ms', '12.3 ms', '1.25 s', '1.2 %', '– ', '7 ', '42 %', '250 MB'],
    ]);
    await expect.poll(() => page.getByTestId('uptime').textContent()).toBe('4 s');
    expect(problems).toEqual([]);
  });

  it('shows instances, breakers and metrics of the author', async () => {
    const { page } = await opened({ instances: 4 });
    expect(await tableOf(page, 'Instances').locator('td:nth-child(2)').allTextContents()).toEqual([
      ...['ready', 'readybreaker search-service is open', 'ready', 'not-readynot started'],
    ]);
    expect(await tableOf(page, 'Circuit breakers').allTextContents()).toEqual([
      ...['redisclosed', 'paymentshalf-open', 'search-serviceopen'],
    ]);
    expect(await tableOf(page, 'Custom metrics').allTextContents()).toEqual(['orders3', 'basket.value42.5']);
  });

  it('tells of an alert, and keeps it when it is over', async () => {
    const { stage, page } = await opened();
    const news = page.getByTestId('alert-news');
    expect(await page.getByText('None since the server started.').count()).toBe(1);
    const firedAt = stage.now;
    stage.tick({ alerts: [alertAt(firedAt)] });
    await expect.poll(() => news.textContent()).toBe('Alert: Error rate is 7.3 %, above 5 %');
    expect(await page.getByRole('heading', { name: 'Alerts 1 firing' }).count()).toBe(1);
    expect(await page.getByRole('heading', { name: /Error rate.*alert/ }).count()).toBe(1);
    stage.tick({ alerts: [alertAt(firedAt, { state: 'cleared', value: 1, clearedAt: firedAt + 65_000 })] });
    await expect.poll(() => news.textContent()).toMatch(/^Cleared: Error rate is 1 % again/);
    expect(await page.getByRole('heading', { name: /alert$/ }).count()).toBe(0);
    const row = await tableOf(page, 'Alerts').textContent();
    expect(row).toMatch(/^clearedError rate is 1 % again.*1 min 5 s$/);
  });

  it('draws charts of seconds or of minutes, and the numbers below them', async () => {
    const { stage, page } = await opened({}, 130);
    const chart = page.locator('figure', { has: page.getByRole('heading', { name: 'Response time' }) });
    const legend = () => chart.locator('.legend').textContent();
    await chart.scrollIntoViewIfNeeded();
    await expect.poll(() => page.evaluate(INKED_PIXELS)).toBeGreaterThan(1_000);
    const ofSeconds = await legend();
    expect(ofSeconds).toMatch(/^P50[\d.]+ msP95[\d.]+ msP99[\d.]+ ms$/);
    await page.getByText('24 h').click();
    await expect.poll(legend).not.toBe(ofSeconds);
    const second = vitalsAt(131, stage.now + 1_000);
    await page.getByText('15 min').click();
    stage.tick({ vitals: { ...second, responseTime: { p50: 1, p95: 2, p99: 3 } } });
    await expect.poll(legend).toBe('P501 msP952 msP993 ms');
  });

  it('sorts by any column and opens rows, by keyboard alone', async () => {
    const { stage, page } = await opened({ targets: 12 });
    const table = page.getByRole('region', { name: 'Tools, resources and prompts' });
    const sorted = (title: string) => table.getByRole('columnheader', { name: title }).getAttribute('aria-sort');
    expect(await sorted('Rate')).toBe('descending');
    await page.getByRole('searchbox', { name: 'Filter' }).focus();
    await page.keyboard.press('Tab'); // to the head of the first column
    await page.keyboard.press('Enter');
    await expect.poll(() => sorted('Name')).toBe('ascending');
    expect(await sorted('Rate')).toBe('none');
    const ascending = await shown(page).allTextContents();
    expect(ascending).toEqual(ascending.toSorted((a, b) => a.localeCompare(b, 'en')));
    expect(ascending).toHaveLength(12);
    await page.keyboard.press('Space');
    await expect.poll(() => shown(page).allTextContents()).toEqual(ascending.toReversed());
    for (let column = 0; column < 8; column++) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await expect.poll(() => sorted('P99')).toBe('descending');
    expect(await shown(page).first().textContent()).toBe('tool_77');
    await page.keyboard.press('Tab'); // to the first row
    await page.keyboard.press('Enter');
    const row = page.getByRole('button', { name: 'tool_77' });
    await expect.poll(() => row.getAttribute('aria-expanded')).toBe('true');
    const detail = page.locator(`#${await row.getAttribute('aria-controls')}`);
    expect(await detail.isVisible()).toBe(true);
    expect(await detail.textContent()).toContain('Requests1,104Failed11 (1.0 %)Rate11/s');
    stage.tick();
    await expect.poll(() => page.getByTestId('uptime').textContent()).toBe('4 s');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('tool_77');
    await page.keyboard.press('Enter');
    await expect.poll(() => detail.isVisible()).toBe(false);
  });

  it('finds rows by a part of their name, takes new ones and drops those that are gone', async () => {
    const { stage, page } = await opened({ targets: 12 });
    await page.getByRole('searchbox', { name: 'Filter' }).fill('OOL_7');
    await expect.poll(() => names(page)).toEqual(['tool_77', 'tool_70', 'tool_7']);
    expect(await page.locator('.matches').textContent()).toBe('3 of 12');
    stage.tick({ targets: [] });
    await expect.poll(() => names(page)).toEqual([]);
    expect(await page.getByText('Nothing fits.').count()).toBe(1);
    stage.tick();
    await expect.poll(() => names(page)).toHaveLength(3);
  });
});

describe('a dashboard with a token', () => {
  it('asks for it, keeps who has it, and leaves it out of the address', async () => {
    const token = 'the-token-of-this-test';
    const stage = await Stage.open({ token });
    stages.push(stage);
    const { page } = await openPage(browser, stage.url);
    await page.getByLabel('Token').fill('wrong-wrong-wrong');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.getByRole('alert').textContent()).toBe('That is not the token.');
    await page.getByLabel('Token').fill(token);
    await page.keyboard.press('Enter');
    await expect.poll(() => page.getByTestId('connection').textContent()).toBe('Live');
    expect(page.url()).toBe(`${stage.url}/`);
    const other = await openPage(browser, `${stage.url}/?token=${token}`);
    await expect.poll(() => other.page.getByTestId('connection').textContent()).toBe('Live');
    expect(other.page.url()).toBe(`${stage.url}/`);
    expect(await other.page.evaluate('document.cookie')).toBe('');
  });
});
