import { execFile } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type ServiceName = 'redis' | 'postgres' | 'mariadb';
export type NeedName = ServiceName | 'chromium' | 'kubectl' | 'nginx' | 'python';

interface Need {
  /** The Debian package that brings it. */
  readonly package: string;
  /** The environment variable that names what to use instead, and what that is. */
  readonly variable: string;
  readonly names: 'a running service' | 'its program';
  /** The programs that a test needs of it. */
  readonly programs: readonly string[];
}

const SERVICE = { names: 'a running service' } as const;
const PROGRAM = { names: 'its program' } as const;
export const NEEDS: Readonly<Record<NeedName, Need>> = {
  redis: { ...SERVICE, package: 'redis-server', variable: 'REDIS_URL', programs: ['redis-server'] },
  postgres: { ...SERVICE, package: 'postgresql', variable: 'POSTGRES_URL', programs: ['postgres', 'initdb'] },
  mariadb: {
    ...SERVICE,
    package: 'mariadb-server',
    variable: 'MYSQL_URL',
    programs: ['mariadbd', 'mariadb-install-db'],
  },
  chromium: { ...PROGRAM, package: 'chromium', variable: 'CHROMIUM_PATH', programs: ['chromium'] },
  kubectl: { ...PROGRAM, package: 'kubernetes-client', variable: 'KUBECTL_PATH', programs: ['kubectl'] },
  nginx: { ...PROGRAM, package: 'nginx-light', variable: 'PATH', programs: ['nginx'] },
  python: { ...PROGRAM, package: 'python3-venv', variable: 'PYTHON_PATH', programs: ['python3'] },
};

const SCRIPT = fileURLToPath(new URL('install-packages.sh', import.meta.url));
/** Locked while installing: the script changes a file in it, and apt-get would fail beside another one. */
const LOCKED_FOLDER = '/usr/sbin';

/**
 * Where a program is; Debian keeps PostgreSQL's outside of `PATH`, one folder for each major version.
 *
 * @returns The path of the newest, or nothing when there is none.
 */
function findProgram(name: string): string | undefined {
  const newestFirst = globSync('/usr/lib/postgresql/*/bin').sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  const folders = [...newestFirst, ...(process.env.PATH ?? '').split(':'), '/usr/local/bin', '/usr/bin', '/usr/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** The path of the program that is needed: the one that its variable names, or the installed one. */
export function neededProgram(name: Exclude<NeedName, ServiceName>): string {
  return process.env[NEEDS[name].variable] || program(name);
}

/** Brings a program before the tests of a project. Without it the run fails: no test is left out. */
export async function bring(name: Exclude<NeedName, ServiceName>): Promise<void> {
  if (process.env[NEEDS[name].variable]) return;
  try {
    await install([name]);
  } catch (error) {
    // Thrown, it would come with a stack and with the runner's "No test files found".
    console.error(`Tests cannot run: ${(error as Error).message}`);
    process.exit(1);
  }
}

/** The path of an installed program. */
export function program(name: string): string {
  const path = findProgram(name);
  if (path === undefined) throw new Error(`${name} is not installed`);
  return path;
}

/**
 * Installs the Debian packages of those that are missing, all in one call; quick when none is.
 *
 * @throws {Error} One line that names the packages and the environment variables that would do instead.
 */
export async function install(names: readonly NeedName[]): Promise<void> {
  const missing = missingOf(names);
  if (missing.length > 0) await installPackages(missing, () => missingOf(names));
}

/** Installs the package of one whose program is there and yet lacks something. */
export async function complete(name: NeedName): Promise<void> {
  await installPackages([NEEDS[name]], () => []);
}

async function installPackages(missing: readonly Need[], findMissing: () => readonly Need[]): Promise<void> {
  const packages = missing.map((need) => need.package);
  if (process.getuid?.() !== 0)
    throw new Error(`${packages.join(', ')}: not installed; run as root, or ${advice(missing)}`);
  console.log(`Installing what the tests need: ${packages.join(', ')}`);
  const problem = await runInstaller(packages);
  const still = findMissing();
  if (still.length > 0) {
    const failed = still.map((need) => need.package).join(', ');
    throw new Error(`${failed}: could not be installed (${problem}); ${advice(still)}`);
  }
}

function advice(needs: readonly Need[]): string {
  return `set ${needs.map(({ variable }) => variable).join(', ')} to ${needs[0]?.names}`;
}

function missingOf(names: readonly NeedName[]): Need[] {
  return names.map((name) => NEEDS[name]).filter(({ programs }) => !programs.every((program) => findProgram(program)));
}

/** Runs the script, one at a time on this machine, and resolves to the last error that apt-get told. */
function runInstaller(packages: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile('flock', [LOCKED_FOLDER, 'sh', SCRIPT, ...packages], (error, stdout) => {
      resolve(stdout.trim() || error?.message.split('\n')[0] || 'apt-get told no error');
    });
  });
}
