/** Starts the catalogue with traffic and writes what its dashboard looks like after a while to docs/images/dashboard.png. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { openPage, startBrowser } from '../test/browser/chromium.ts';

const TRAFFIC_SECONDS = 150;
const PICTURE = 'docs/images/dashboard.png';
const environment = { PORT: '0', PROMETHEUS_PORT: '0', DASHBOARD_PORT: '0', DATABASE_URL: 'sqlite::memory:' };

function run(script: string, args: readonly string[] = []): ChildProcess {
  return spawn(process.execPath, [`examples/catalogue/${script}`, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...environment },
  });
}

/** The addresses that the catalogue prints. */
async function addressesOf(catalogue: ChildProcess): Promise<{ readonly mcp: string; readonly dashboard: string }> {
  let mcp = '';
  for await (const line of createInterface({ input: catalogue.stdout! })) {
    mcp ||= /^The catalogue is served at (\S+)$/.exec(line)?.[1] ?? '';
    const [, dashboard] = /^The dashboard: (\S+)$/.exec(line) ?? [];
    if (dashboard !== undefined) return { mcp, dashboard };
  }
  throw new Error('the catalogue ended without a dashboard');
}

const catalogue = run('main.ts');
try {
  const { mcp, dashboard } = await addressesOf(catalogue);
  const traffic = run('traffic.ts', [mcp, String(TRAFFIC_SECONDS + 30)]);
  const browser = await startBrowser();
  try {
    const { page } = await openPage(browser, dashboard, {
      viewport: { width: 1_280, height: 1_330 },
      colorScheme: 'light',
    });
    const minutes = Math.floor(TRAFFIC_SECONDS / 60);
    await page
      .getByTestId('uptime')
      .filter({ hasText: new RegExp(`^${minutes} min [3-5]\\d s`) })
      .waitFor({ timeout: 1_000 * (TRAFFIC_SECONDS + 30) });
    mkdirSync('docs/images', { recursive: true });
    await page.screenshot({ path: PICTURE });
    console.log(PICTURE);
  } finally {
    await browser.close();
    traffic.kill();
  }
} finally {
  catalogue.kill();
  await once(catalogue, 'exit');
}
