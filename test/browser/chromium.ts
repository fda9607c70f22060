import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { neededProgram } from '../services/install.ts';

const SCREENSHOTS = fileURLToPath(new URL('screenshots/', import.meta.url));
const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync'],
];

/** Starts a browser with an empty profile of its own. */
export function startBrowser(): Promise<Browser> {
  const executablePath = neededProgram('chromium');
  return chromium.launch({ executablePath, headless: true, args: FLAGS });
}

/** A page in a profile of its own, and what went wrong in it: errors, and what its policy kept out. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<{ readonly page: Page; readonly problems: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    // A server that is away is told of too.
    if (message.type() === 'error' && !message.text().includes('ERR_CONNECTION')) problems.push(message.text());
  });
  await page.goto(url);
  return { page, problems };
}

/** Keeps what the page looks like. */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.locator('#app').screenshot({ path: `${SCREENSHOTS}${name}.png` });
}
