import { execFile } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type ServiceName = 'redis' | 'postgres' | 'mariadb';

interface Service {
  /** The Debian package that brings it. */
  readonly package: string;
  /** The environment variable that points to a running one instead. */
  readonly variable: string;
  /** The programs that a test needs of it. */
  readonly programs: readonly string[];
}

export const SERVICES: Readonly<Record<ServiceName, Service>> = {
  redis: { package: 'redis-server', variable: 'REDIS_URL', programs: ['redis-server'] },
  postgres: { package: 'postgresql', variable: 'POSTGRES_URL', programs: ['postgres', 'initdb'] },
  mariadb: { package: 'mariadb-server', variable: 'MYSQL_URL', programs: ['mariadbd', 'mariadb-install-db'] },
};

const SCRIPT = fileURLToPath(new URL('install-packages.sh', import.meta.url));
/** Locked while installing: the script changes a file in it, and apt-get would fail beside another one. */
const LOCKED_FOLDER = '/usr/sbin';

/**
 * Where a program of a service is; Debian keeps PostgreSQL's outside of `PATH`, one folder for each major version.
 *
 * @returns The path of the newest, or nothing when there is none.
 */
function findProgram(name: string): string | undefined {
  const newestFirst = globSync('/usr/lib/postgresql/*/bin').sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  const folders = [...newestFirst, ...(process.env.PATH ?? '').split(':'), '/usr/local/bin', '/usr/bin', '/usr/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** The path of a program of an installed service. */
export function program(name: string): string {
  const path = findProgram(name);
  if (path === undefined) throw new Error(`${name} is not installed`);
  return path;
}

/**
 * Installs the Debian packages of those services that are missing, all in one call; quick when none is.
 *
 * @throws {Error} One line that names the packages and the environment variables that would do instead.
 */
export async function install(names: readonly ServiceName[]): Promise<void> {
  const missing = missingOf(names);
  if (missing.length === 0) return;
  const packages = missing.map((service) => service.package);
  if (process.getuid?.() !== 0)
    throw new Error(`${packages.join(', ')}: not installed; run as root, or ${advice(missing)}`);
  console.log(`Installing what the tests need: ${packages.join(', ')}`);
  const problem = await runInstaller(packages);
  const still = missingOf(names);
  if (still.length > 0) {
    const failed = still.map((service) => service.package).join(', ');
    throw new Error(`${failed}: could not be installed (${problem}); ${advice(still)}`);
  }
}

function advice(services: readonly Service[]): string {
  return `set ${services.map((service) => service.variable).join(', ')} to a running service`;
}

function missingOf(names: readonly ServiceName[]): Service[] {
  return names
    .map((name) => SERVICES[name])
    .filter(({ programs }) => !programs.every((program) => findProgram(program)));
}

/** Runs the script, one at a time on this machine, and resolves to the last error that apt-get told. */
function runInstaller(packages: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile('flock', [LOCKED_FOLDER, 'sh', SCRIPT, ...packages], (error, stdout) => {
      resolve(stdout.trim() || error?.message.split('\n')[0] || 'apt-get told no error');
    });
  });
}
