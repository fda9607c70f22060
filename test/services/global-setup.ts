import type { TestProject } from 'vitest/node';
import { mysqlAnswers, postgresAnswers, reasonOf, redisAnswers } from './answers.ts';
import { install, NEEDS, type ServiceName } from './install.ts';
import { startMariadb } from './mariadb.ts';
import type { OwnServer } from './own-server.ts';
import { startPostgres } from './postgres.ts';
import { startRedis } from './redis.ts';

/** Where the services that all tests share are: `inject('services')`. */
export interface ServiceUrls {
  readonly redisUrl: string;
  readonly postgresUrl: string;
  readonly mysqlUrl: string;
}

interface Kind {
  start(): Promise<OwnServer>;
  ask(url: string): Promise<void>;
}

declare module 'vitest' {
  interface ProvidedContext {
    services: ServiceUrls;
  }
}

const KINDS: Readonly<Record<ServiceName, Kind>> = {
  redis: { start: startRedis, ask: redisAnswers },
  postgres: { start: startPostgres, ask: postgresAnswers },
  mariadb: { start: startMariadb, ask: mysqlAnswers },
};
const started: OwnServer[] = [];

/** Finds or starts the services, all at the same time. One that is missing fails the run: no test is left out. */
export async function setup(project: TestProject): Promise<void> {
  try {
    const names = Object.keys(KINDS) as ServiceName[];
    await install(names.filter((name) => givenUrl(name) === undefined));
    const results = await Promise.allSettled([urlOf('redis'), urlOf('postgres'), urlOf('mariadb')]);
    const failures = results.filter((result) => result.status === 'rejected');
    if (failures.length > 0) throw new Error(failures.map(({ reason }) => reason.message).join('; '));
    const [redisUrl = '', postgresUrl = '', mysqlUrl = ''] = results.map((result) =>
      result.status === 'fulfilled' ? result.value : '',
    );
    project.provide('services', { redisUrl, postgresUrl, mysqlUrl });
  } catch (error) {
    await teardown();
    // Thrown, it would come with a stack and with the runner's "No test files found".
    console.error(`Tests cannot run: ${(error as Error).message}`);
    process.exit(1);
  }
}

export async function teardown(): Promise<void> {
  await Promise.all(started.splice(0).map((server) => server.stop()));
}

/** An empty variable is as good as none. */
function givenUrl(name: ServiceName): string | undefined {
  return process.env[NEEDS[name].variable] || undefined;
}

async function urlOf(name: ServiceName): Promise<string> {
  const { start, ask } = KINDS[name];
  const given = givenUrl(name);
  if (given === undefined) {
    const server = await start();
    started.push(server);
    return server.url;
  }
  await ask(given).catch((error) => {
    throw new Error(`the service of ${NEEDS[name].variable} does not answer: ${reasonOf(error)}`);
  });
  return given;
}
