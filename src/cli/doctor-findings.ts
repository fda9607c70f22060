import { DEFAULT_PORT, type DoctorFacts } from './doctor-facts.ts';

/** `warning`: a server will not work as it should; `note`: good to know. */
export interface Finding {
  readonly level: 'warning' | 'note';
  readonly what: string;
  readonly help: string;
}

const MIB = 2 ** 20;
const FEW_FILES = 4_096;
const SHORT_BACKLOG = 511;
const LITTLE_MB = 256;
const USES: Readonly<Record<string, string>> = {
  redis: 'the second tier of the cache',
  pg: 'PostgreSQL',
  mysql2: 'MySQL and MariaDB',
};

/** What is wrong with a machine, or good to know about it. */
export function examine(facts: DoctorFacts): Finding[] {
  const { machine, drivers, openFiles, backlog, migratesConnections, isPortFree, platform } = facts;
  const findings: (Finding | false | undefined)[] = [
    machine.memoryBytes < LITTLE_MB * MIB && {
      level: 'warning',
      what: `${Math.floor(machine.memoryBytes / MIB)} MB of memory are little`,
      help: `a server at rest takes some 60 MB; give it ${LITTLE_MB} MB or more, and keep the cache small`,
    },
    machine.cores < 1 && {
      level: 'note',
      what: `${machine.cores} of a core`,
      help: 'once that share is used the kernel stops the process for the rest of each tenth of a second',
    },
    openFiles !== undefined &&
      openFiles < FEW_FILES && {
        level: 'warning',
        what: `only ${openFiles} open files`,
        help: 'each connection is one; raise it with "ulimit -n 65536", or LimitNOFILE of systemd',
      },
    backlog !== undefined &&
      backlog < SHORT_BACKLOG && {
        level: 'warning',
        what: `net.core.somaxconn is ${backlog}`,
        help: `connections that come at once are dropped; set it to ${SHORT_BACKLOG} or more`,
      },
    !isPortFree && {
      level: 'warning',
      what: `port ${DEFAULT_PORT} is taken`,
      help: 'end what listens there, or choose another by "http: { port }"',
    },
    migratesConnections === false && {
      level: 'note',
      what: 'net.ipv4.tcp_migrate_req is off',
      help: 'needed only where several processes share a port by reusePort and are replaced one by one',
    },
    platform !== 'linux' && {
      level: 'note',
      what: `${platform} has no cgroups`,
      help: 'limits of containers are found on Linux only',
    },
    ...Object.entries(drivers).map(
      ([name, isInstalled]): Finding | false =>
        !isInstalled && {
          level: 'note',
          what: `the package ${name} is not installed`,
          help: `needed for ${USES[name] ?? name}: npm install ${name}`,
        },
    ),
  ];
  return findings.filter((finding) => finding !== false && finding !== undefined);
}
