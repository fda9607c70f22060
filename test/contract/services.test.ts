import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { runNode } from '../cli/run-cli.ts';
import { inTime } from '../services/in-time.ts';
import { startMariadb } from '../services/mariadb.ts';
import type { OwnServer } from '../services/own-server.ts';
import { startPostgres } from '../services/postgres.ts';
import { familyOf, goneOf } from '../services/processes.ts';
import { startRedis } from '../services/redis.ts';
import { uniqueName } from '../services/unique-name.ts';
import { type Connect, connectMysql, connectPostgres, connectRedis, type Session } from './sessions.ts';

interface Kind {
  readonly name: string;
  readonly shared: () => string;
  readonly start: () => Promise<OwnServer>;
  readonly connect: Connect;
}

const KINDS: readonly Kind[] = [
  {
    name: 'redis',
    shared: () => inject('services').redisUrl,
    start: () => startRedis({ save: true }),
    connect: connectRedis,
  },
  { name: 'postgres', shared: () => inject('services').postgresUrl, start: startPostgres, connect: connectPostgres },
  { name: 'mariadb', shared: () => inject('services').mysqlUrl, start: startMariadb, connect: connectMysql },
];

describe.each(KINDS)('$name', ({ name, shared, start, connect }) => {
  const open = async (url: string, place: string): Promise<Session> => {
    const session = await connect(url, place);
    onTestFinished(() => session.close());
    return session;
  };
  let server: OwnServer;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server.stop());

  it('is there for all tests and keeps their places apart', async () => {
    const one = await open(shared(), uniqueName('one'));
    const other = await open(shared(), uniqueName('other'));
    await one.write('of one');
    expect(await one.read()).toBe('of one');
    expect(await other.read()).toBeNull();
  });

  it('comes back on its port with its data after SIGKILL, and after a stop that keeps them', async () => {
    const { url, pid } = server;
    await (await open(url, 'place')).write('kept');
    const family = familyOf(pid);

    await server.kill('SIGKILL');
    await inTime(goneOf(family), 100);
    await expect(connect(url, 'place')).rejects.toThrow();

    await server.restart();
    expect(server.pid).not.toBe(pid);
    expect(await (await open(url, 'place')).read()).toBe('kept');

    await server.stop({ keepData: true });
    await expect(connect(url, 'place')).rejects.toThrow();
    await server.restart();
    expect(await (await open(url, 'place')).read()).toBe('kept');
  });

  it('does not answer between SIGSTOP and SIGCONT, not even an open connection', async () => {
    const session = await open(server.url, 'another');
    await session.write('still here');

    await server.kill('SIGSTOP');
    const answer = session.read();
    await expect(inTime(answer, 200)).rejects.toThrow('no answer in 200 ms');
    await server.kill('SIGCONT');
    expect(await answer).toBe('still here');
  });

  it('is ended by stop() with its folder, also when it stands still', async () => {
    const family = familyOf(server.pid);
    await open(server.url, 'place');
    expect(existsSync(server.folder)).toBe(true);

    await server.kill('SIGSTOP');
    await server.stop();
    await inTime(goneOf(family), 100);
    expect(existsSync(server.folder)).toBe(false);
    await server.stop();
    await expect(server.kill('SIGKILL')).rejects.toThrow('does not run');
    await expect(server.restart()).rejects.toThrow('nothing to restart');
  });

  it('is ended with its folder when its starter is killed', async () => {
    const holder = spawn(process.execPath, [fileURLToPath(new URL('holder.ts', import.meta.url)), name], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [line] = await once(createInterface({ input: holder.stdout }), 'line');
    const { pid, folder } = JSON.parse(line);
    const family = familyOf(pid);

    holder.kill('SIGKILL');
    await once(holder, 'exit');
    await inTime(goneOf(family), 5_000);
    await expect.poll(() => existsSync(folder), { timeout: 5_000 }).toBe(false);
  });
});

it('says in one line why a server does not start', async () => {
  await expect(startPostgres({ settings: { shared_buffers: 'plenty' } })).rejects.toThrow(
    /^postgres: ended while starting; its log ends with: .*invalid value for parameter "shared_buffers"[^\n]*$/,
  );
});

it('fails the run in one line when a service that was named does not answer', async () => {
  const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
  const { redisUrl, mysqlUrl } = inject('services');
  const { code, stderr } = await runNode([vitest, 'run', '--project', 'services', import.meta.filename], {
    REDIS_URL: redisUrl,
    POSTGRES_URL: 'postgres://127.0.0.1:1/nothing',
    MYSQL_URL: mysqlUrl,
  });
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'Tests cannot run: the service of POSTGRES_URL does not answer: connect ECONNREFUSED 127.0.0.1:1\n',
  });
});
