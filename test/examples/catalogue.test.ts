import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pretendVersion, runNode } from '../cli/run-cli.ts';
import { hashOf, SeededFolder, withDatabase } from './catalogue-database.ts';
import { CatalogueProcess, MAIN } from './catalogue-process.ts';

const TRAFFIC = fileURLToPath(new URL('../../examples/catalogue/traffic.ts', import.meta.url));

/** An option of Node.js with which the package `pg` is not found. */
const WITHOUT_PG = `--import=data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  const missing = Object.assign(new Error("Cannot find package 'pg' imported from here"), { code: 'ERR_MODULE_NOT_FOUND' });
  const resolve = (name, context, next) => {
    if (name === 'pg') throw missing;
    return next(name, context);
  };
  registerHooks({ resolve });`)}`;

const seeded = new SeededFolder();
beforeAll(() => seeded.seed());
afterAll(() => seeded.remove());

describe('the catalogue, starting and stopping', () => {
  it('seeds on the first start, reuses on the second, and stops on SIGINT and SIGTERM', async () => {
    const environment = { DATABASE_URL: `sqlite:${join(seeded.folder, 'new', 'folder', 'catalogue.db')}` };
    const first = new CatalogueProcess(environment);
    await first.url();
    expect(first.lines).toContain('Seeding the catalogue: 100%');
    expect(await first.end('SIGINT')).toEqual({ code: 0, stderr: '' });

    const second = new CatalogueProcess(environment);
    await second.url();
    expect(second.lines.filter((line) => line.includes('Seeding'))).toEqual([]);
    expect(await second.end('SIGTERM')).toEqual({ code: 0, stderr: '' });
    expect(await withDatabase(environment.DATABASE_URL, hashOf)).toBe(seeded.hash);
  });

  it('starts over after a seeding that was killed', async () => {
    const environment = { DATABASE_URL: seeded.url('killed') };
    const killed = new CatalogueProcess(environment);
    await killed.line(/Seeding the catalogue: 30%/);
    expect((await killed.end('SIGKILL')).code).toBe('SIGKILL');
    const next = new CatalogueProcess(environment);
    await next.url();
    expect(next.lines).toContain('Seeding the catalogue: 100%');
    await next.end('SIGTERM');
    expect(await withDatabase(environment.DATABASE_URL, hashOf)).toBe(seeded.hash);
  });

  it('stops at once, in good order, while it seeds', async () => {
    const catalogue = new CatalogueProcess({ DATABASE_URL: 'sqlite::memory:' });
    await catalogue.line(/Seeding the catalogue: 10%/);
    expect(await catalogue.end('SIGTERM')).toEqual({ code: 0, stderr: '' });
    expect(catalogue.lines).not.toContain('Seeding the catalogue: 100%');
  });

  it('says in one line that the port is taken', async () => {
    const environment = { DATABASE_URL: seeded.copy('ports') };
    const first = new CatalogueProcess(environment);
    const { port } = new URL(await first.url());
    const { code, stderr } = await new CatalogueProcess({ ...environment, PORT: port }).end();
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`^peregrine: .*${port}.*\n$`));
    await first.end('SIGTERM');
  });

  it('shows its metrics, and serves although their port is taken', async () => {
    const environment = { DATABASE_URL: seeded.copy('metrics') };
    const first = new CatalogueProcess(environment);
    const [, metrics = ''] = await first.line(/^The metrics: (\S+)$/);
    expect(await (await fetch(metrics)).text()).toContain('\nmcp_server_connections 0\n');
    const second = new CatalogueProcess({ ...environment, PROMETHEUS_PORT: new URL(metrics).port });
    await second.url();
    const { code, stderr } = await second.end('SIGTERM');
    expect(code).toBe(0);
    expect(stderr).toContain('is in use by another program: the metrics cannot be read there');
    expect(await first.end('SIGTERM')).toEqual({ code: 0, stderr: '' });
  });

  it('shows its dashboard, and the traffic that comes with it; serves although its port is taken', async () => {
    const environment = { DATABASE_URL: seeded.copy('dashboard') };
    const first = new CatalogueProcess(environment);
    const [, dashboard = ''] = await first.line(/^The dashboard: (\S+)$/);
    expect(await (await fetch(dashboard)).text()).toContain('<div id="app">');
    const { code, stdout } = await runNode([TRAFFIC, await first.url(), '1', '3']);
    expect(code).toBe(0);
    expect(Number(/^(\d+) answered, 0 refused\n$/.exec(stdout)?.[1])).toBeGreaterThan(5);
    const second = new CatalogueProcess({ ...environment, DASHBOARD_PORT: new URL(dashboard).port });
    await second.url();
    const { code: secondCode, stderr } = await second.end('SIGTERM');
    expect(secondCode).toBe(0);
    expect(stderr).toContain('is in use by another program: the dashboard cannot be read there');
    expect(await first.end('SIGTERM')).toEqual({ code: 0, stderr: '' });
    expect(await runNode([TRAFFIC, 'http://127.0.0.1:1/mcp', '1', '1'])).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^0 answered, [1-9]/),
    });
    expect(await runNode([TRAFFIC, 'http://127.0.0.1:1/mcp', '0'])).toEqual({
      ...{ code: 1, stdout: '', stderr: 'seconds must be a whole number from 1 to 3600, not "0"\n' },
    });
  });

  it.each([
    [{ PORT: 'abc' }, 'PORT must be a whole number from 0 to 65535, not "abc"'],
    [{ PORT: '65536' }, 'PORT must be a whole number from 0 to 65535, not "65536"'],
    [{ PROMETHEUS_PORT: '-1' }, 'PROMETHEUS_PORT must be a whole number from 0 to 65535, not "-1"'],
    [
      { DATABASE_URL: `sqlite:${tmpdir()}` },
      `cannot use the database ${tmpdir()}: cannot be reached (unable to open database file)`,
    ],
    [
      { DATABASE_URL: 'oracle://me:secret@host/name' },
      'DATABASE_URL must be sqlite:FILE, sqlite::memory:, postgres://... or mysql://..., got "oracle://***"',
    ],
  ])('says in one line what is wrong with %j', async (environment, line) => {
    expect(await new CatalogueProcess(environment).end()).toEqual({ code: 1, stderr: `peregrine: ${line}\n` });
  });

  it('says in one line which package the database needs, and nothing of the password', async () => {
    const environment = { DATABASE_URL: 'postgres://me:secret@127.0.0.1/shop', NODE_OPTIONS: WITHOUT_PG };
    expect(await new CatalogueProcess(environment).end()).toEqual({
      code: 1,
      stderr:
        'peregrine: cannot use the database postgres://127.0.0.1/shop: "postgres" databases need the package "pg": npm install pg\n',
    });
  });

  it('says in one line that HOST is no address of this machine', async () => {
    const { code, stderr } = await new CatalogueProcess({
      DATABASE_URL: `sqlite:${seeded.file}`,
      HOST: '192.0.2.1',
    }).end();
    expect(code).toBe(1);
    expect(stderr).toMatch(/^peregrine: .*192\.0\.2\.1.*\n$/);
  });

  it('refuses an old Node.js with one line', async () => {
    expect(await runNode(['--import', pretendVersion('22.17.1'), MAIN])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'peregrine: Node.js 22.18 or newer is needed, this is 22.17.1\n',
    });
  });
});
