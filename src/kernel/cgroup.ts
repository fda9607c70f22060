/** Reads a small text file, or nothing where there is none. */
export type ReadText = (path: string) => string | undefined;

/** What a container or a service manager lets this process use; nothing where it sets no limit. */
export interface CgroupLimits {
  /** The version of the interface that the limits were read from; nothing without any. */
  readonly version: 1 | 2 | undefined;
  readonly cores: number | undefined;
  readonly memoryBytes: number | undefined;
}

const ROOT = '/sys/fs/cgroup';
/** Version 1 says "unlimited" by the largest number of whole pages. */
const UNLIMITED = 2 ** 60;

/**
 * The limits of this process's own group and of all above it, of both versions: the least of each counts.
 *
 * Inside a container the path in `/proc/self/cgroup` may be the host's; what is not there is passed over.
 */
export function readCgroupLimits(read: ReadText): CgroupLimits {
  const paths = pathsOf(read('/proc/self/cgroup') ?? '');
  const folders = (mounts: readonly string[], path: string | undefined): string[] =>
    mounts.flatMap((mount) => lineage(path).map((part) => `${ROOT}${mount}${part}`));
  const unified = folders(['', '/unified'], paths.get(''));
  const v2 = limitsOf(
    2,
    unified.map((folder) => shareOf(...words(read(`${folder}/cpu.max`)))),
    unified.map((folder) => bytesOf(read(`${folder}/memory.max`))),
  );
  if (v2.version !== undefined) return v2;
  return limitsOf(
    1,
    folders(['/cpu', '/cpu,cpuacct'], paths.get('cpu')).map((folder) =>
      shareOf(read(`${folder}/cpu.cfs_quota_us`), read(`${folder}/cpu.cfs_period_us`)),
    ),
    folders(['/memory'], paths.get('memory')).map((folder) => bytesOf(read(`${folder}/memory.limit_in_bytes`))),
  );
}

function limitsOf(version: 1 | 2, cores: (number | undefined)[], bytes: (number | undefined)[]): CgroupLimits {
  const limits = { cores: least(cores), memoryBytes: least(bytes) };
  return { version: (limits.cores ?? limits.memoryBytes) ? version : undefined, ...limits };
}

function least(values: readonly (number | undefined)[]): number | undefined {
  const set = values.filter((value) => value !== undefined);
  return set.length === 0 ? undefined : Math.min(...set);
}

/** The group's path by controller; the unified hierarchy has an empty name. */
function pathsOf(text: string): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    for (const controller of controllers.split(',')) paths.set(controller, path);
  }
  return paths;
}

/** `/a/b` as `/a/b`, `/a` and the root, which is an empty path. One that leads out of what is mounted is the root alone. */
function lineage(path = '/'): string[] {
  const parts = path.split('/').filter((part) => part !== '');
  if (parts.includes('..')) return [''];
  return Array.from({ length: parts.length + 1 }, (_, index) =>
    parts
      .slice(0, parts.length - index)
      .map((part) => `/${part}`)
      .join(''),
  );
}

function words(text: string | undefined): [string | undefined, string | undefined] {
  const [quota, period] = (text ?? '').trim().split(/\s+/);
  return [quota, period];
}

function shareOf(quota: string | undefined, period: string | undefined): number | undefined {
  const share = Number(quota) / Number(period);
  return Number.isFinite(share) && share > 0 ? share : undefined;
}

function bytesOf(text: string | undefined): number | undefined {
  const bytes = Number((text ?? '').trim());
  return bytes > 0 && bytes < UNLIMITED ? bytes : undefined;
}
