import { createServer } from 'node:net';
import { availableParallelism, totalmem } from 'node:os';
import { type CgroupLimits, type ReadText, readCgroupLimits } from '../kernel/cgroup.ts';
import { type MachineFacts, readMachineFacts, readText } from '../kernel/machine.ts';

/** What is to be known of a machine before a server is run on it. Nothing where it cannot be found out. */
export interface DoctorFacts {
  readonly node: string;
  readonly platform: string;
  readonly hardware: MachineFacts;
  readonly limits: CgroupLimits;
  /** What the process may use of it. */
  readonly machine: MachineFacts;
  /** Optional packages, and whether they are installed. */
  readonly drivers: { readonly [name: string]: boolean };
  /** Files and connections that a process may have open. */
  readonly openFiles: number | undefined;
  /** Connections that may wait to be accepted. */
  readonly backlog: number | undefined;
  /** Whether connections outlive the process that was to accept them. */
  readonly migratesConnections: boolean | undefined;
  /** Whether the default port is free. */
  readonly isPortFree: boolean;
}

/** Where a server listens unless it is told otherwise. */
export const DEFAULT_PORT = 3_000;

export async function readDoctorFacts(read: ReadText = readText, port = DEFAULT_PORT): Promise<DoctorFacts> {
  const migrates = numberIn(read('/proc/sys/net/ipv4/tcp_migrate_req'));
  return {
    node: process.versions.node,
    platform: process.platform,
    hardware: { cores: availableParallelism(), memoryBytes: totalmem() },
    limits: readCgroupLimits(read),
    machine: readMachineFacts(read),
    drivers: Object.fromEntries(['redis', 'pg', 'mysql2'].map((name) => [name, isInstalled(name)])),
    openFiles: numberIn(/^Max open files\s+(\d+)/m.exec(read('/proc/self/limits') ?? '')?.[1]),
    backlog: numberIn(read('/proc/sys/net/core/somaxconn')),
    migratesConnections: migrates === undefined ? undefined : migrates === 1,
    isPortFree: await isFree(port),
  };
}

function numberIn(text: string | undefined): number | undefined {
  return /^\s*\d+\s*$/.test(text ?? '') ? Number(text) : undefined;
}

function isInstalled(name: string): boolean {
  try {
    import.meta.resolve(name);
    return true;
  } catch {
    return false;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
