import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { doctor } from '../../src/cli/doctor.ts';
import { type DoctorFacts, readDoctorFacts } from '../../src/cli/doctor-facts.ts';
import { examine } from '../../src/cli/doctor-findings.ts';
import { runCli } from './run-cli.ts';

const GIB = 2 ** 30;
const FACTS: DoctorFacts = {
  node: '26.10.0',
  platform: 'linux',
  hardware: { cores: 2, memoryBytes: 8 * GIB },
  limits: { version: 2, cores: undefined, memoryBytes: 4 * GIB },
  machine: { cores: 2, memoryBytes: 4 * GIB },
  drivers: { redis: true, pg: true, mysql2: true },
  openFiles: 65_536,
  backlog: 4_096,
  migratesConnections: true,
  isPortFree: true,
};

async function diagnose(facts: Partial<DoctorFacts> = {}, options = { preset: 'auto', json: false }) {
  const written: string[] = [];
  const output = { out: (text: string) => void written.push(text), error: () => {}, columns: undefined };
  const code = await doctor(options, output, async () => ({ ...FACTS, ...facts }));
  return { code, text: written.join('') };
}

describe('the findings of the doctor', () => {
  it('are none where nothing is wrong', () => {
    expect(examine(FACTS)).toEqual([]);
  });

  it.each<[Partial<DoctorFacts>, 'warning' | 'note', RegExp]>([
    [{ machine: { cores: 2, memoryBytes: GIB / 8 } }, 'warning', /^128 MB of memory are little$/],
    [{ machine: { cores: 0.5, memoryBytes: GIB } }, 'note', /^0\.5 of a core$/],
    [{ openFiles: 1_024 }, 'warning', /1024 open files/],
    [{ backlog: 128 }, 'warning', /somaxconn is 128/],
    [{ isPortFree: false }, 'warning', /port 3000 is taken/],
    [{ migratesConnections: false }, 'note', /tcp_migrate_req is off/],
    [{ platform: 'darwin' }, 'note', /darwin has no cgroups/],
    [{ drivers: { redis: true, pg: false, mysql2: true } }, 'note', /^the package pg is not installed$/],
  ])('name %j', async (facts, level, what) => {
    expect(examine({ ...FACTS, ...facts })).toEqual([
      { level, what: expect.stringMatching(what), help: expect.any(String) },
    ]);
    expect((await diagnose(facts)).code).toBe(level === 'warning' ? 2 : 0);
  });

  it('say nothing about what cannot be found out', () => {
    const unknown = { openFiles: undefined, backlog: undefined, migratesConnections: undefined };
    expect(examine({ ...FACTS, ...unknown })).toEqual([]);
  });
});

describe('peregrine doctor', () => {
  it('prints what the guide shows for its machine', async () => {
    const guide = readFileSync(new URL('../../docs/guides/tuning.md', import.meta.url), 'utf8');
    const [, shown] = /\$ npx peregrine doctor\n([\s\S]*?)```/.exec(guide) ?? [];
    expect((await diagnose()).text).toBe(shown);
  });

  it('derives with a preset, and prints JSON', async () => {
    const { code, text } = await diagnose({ isPortFree: false }, { preset: 'kubernetes', json: true });
    expect(code).toBe(2);
    expect(JSON.parse(text)).toMatchObject({
      node: '26.10.0',
      limits: { version: 2 },
      preset: 'kubernetes',
      profile: { threads: 2, maxMemoryBytes: 3 * GIB - 1 },
      memoryGuard: { hardLimit: 0.85 },
      v8Flags: [{ isApplied: true }, { isApplied: false }],
      findings: [{ level: 'warning' }],
    });
  });

  it('reads the machine that it runs on', async () => {
    const { stdout, stderr, code } = await runCli('doctor', '--json');
    const { findings, hardware, machine, drivers, node } = JSON.parse(stdout);
    expect([stderr, node]).toEqual(['', process.versions.node]);
    expect(machine.cores).toBeLessThanOrEqual(hardware.cores);
    expect(drivers).toEqual({ redis: true, pg: true, mysql2: true });
    expect(code).toBe(findings.some(({ level }: { level: string }) => level === 'warning') ? 2 : 0);
    expect((await runCli('doctor', '--help')).stdout).toContain('2  there are warnings');
  });

  it('finds a port that is taken, and reads the files of the kernel', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const files: Readonly<Record<string, string>> = {
      '/proc/self/limits':
        'Limit  Soft  Hard\nMax open files            1024                 4096                 files\n',
      '/proc/sys/net/core/somaxconn': '128\n',
      '/proc/sys/net/ipv4/tcp_migrate_req': '1\n',
    };
    const read = (path: string) => files[path];
    expect(await readDoctorFacts(read, port)).toMatchObject({
      openFiles: 1_024,
      backlog: 128,
      migratesConnections: true,
      isPortFree: false,
    });
    await new Promise((resolve) => server.close(resolve));
    expect(await readDoctorFacts(() => undefined, port)).toMatchObject({
      openFiles: undefined,
      backlog: undefined,
      migratesConnections: undefined,
      isPortFree: true,
    });
  });
});
