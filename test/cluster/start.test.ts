import { fileURLToPath } from 'node:url';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { recommendedV8Flags, resolveHardwareProfile } from '../../src/index.ts';
import { readMachineFacts } from '../../src/kernel/machine.ts';
import { failure, runCli } from '../cli/run-cli.ts';
import { Inbox } from '../e2e/inbox.ts';
import { createClient } from '../e2e/peers.ts';
import { SCALE } from '../faults/scale.ts';
import { goneOf, sendSignal } from '../services/processes.ts';
import { Callers, callTool, keptConnections } from './calls.ts';
import { PROGRAM, Supervised, startProgram } from './supervised.ts';

/** Calls over new connections until each of so many instances has answered. */
async function askAll(url: string, tool: string, count: number): Promise<Map<string, string>> {
  const answers = new Map<string, string>();
  while (answers.size < count) {
    const text = await callTool(url, tool);
    answers.set(text.split(' ')[0] ?? '', text);
  }
  return answers;
}

/** It says that it runs, and fails. */
const BROKEN = fileURLToPath(new URL('broken-program.ts', import.meta.url));

const pidsOf = async (url: string, count: number) => [...(await askAll(url, 'who', count)).keys()].map(Number);

describe.each(['processes', 'threads'] as const)('peregrine start with %s', (kind) => {
  const flags = kind === 'threads' ? ['--threads'] : [];

  it('serves on one port, hands arguments on, and ends in an orderly way', async () => {
    const program = await startProgram(2, ...flags, '--', 'an argument');
    const pid = await callTool(program.at, 'who');
    expect(pid).toMatch(/^\d+ an argument$/);
    const inFlight = callTool(program.at, 'wait');
    await callTool(program.at, 'who');
    expect(await Promise.all([program.end('SIGTERM'), inFlight])).toEqual([
      expect.objectContaining({ code: 0 }),
      expect.stringMatching(/^\d+$/),
    ]);
  });

  it('replaces one that exits', async () => {
    const program = await startProgram(2, ...flags);
    const from = program.lines.length;
    await callTool(program.at, 'die').catch(() => undefined);
    await program.line(/instance \d+ is gone: it ended \(code 3\)/, from);
    await program.line(/instance \d+ is ready/, from);
    expect(await callTool(program.at, 'who')).toMatch(/^\d+/);
  });

  it('replaces one whose event loop stands still', async () => {
    const program = await startProgram(2, ...flags);
    const from = program.lines.length;
    const lost = callTool(program.at, 'spin').catch((error: unknown) => error);
    await program.line(/instance \d+ does not respond/, from);
    await program.line(/instance \d+ is gone: it was silent for 3000 ms/, from);
    await program.line(/instance \d+ is ready/, from);
    expect(await lost).toBeInstanceOf(Error);
  });
});

describe('peregrine start', () => {
  it('loses no call, over new connections or kept ones, while all instances are replaced again and again', async () => {
    const program = await startProgram(SCALE.instances);
    const callers = new Callers(program.at, { fresh: 8, kept: SCALE.kept });
    const before = new Set(await pidsOf(program.at, SCALE.instances));
    for (let roll = 0; roll < SCALE.rolls; roll++) {
      await callers.made((SCALE.fresh * roll) / SCALE.rolls);
      const from = program.lines.length;
      program.child.kill('SIGHUP');
      await program.line(/all instances are replaced/, from);
    }
    await callers.made(SCALE.fresh);
    const { failures, kept } = await callers.stop();
    expect(failures).toEqual([]);
    expect(kept).toBeGreaterThan(SCALE.kept);
    expect((await pidsOf(program.at, SCALE.instances)).filter((pid) => before.has(pid))).toEqual([]);
  });

  it('loses no more than what an instance was about when that is killed', async () => {
    const program = await startProgram(3);
    const callers = new Callers(program.at, { fresh: 4, kept: 12 });
    for (let kill = 0; kill < SCALE.kills; kill++) {
      const from = program.lines.length;
      const [pid] = await pidsOf(program.at, 1);
      process.kill(Number(pid), 'SIGKILL');
      await program.line(/instance \d+ is gone: it ended \(SIGKILL\)/, from);
      await program.line(/instance \d+ is ready/, from);
    }
    const { failures, fresh } = await callers.stop();
    // Of 16 calls at a time those that one instance had at that moment, or whose connections it had accepted.
    expect(failures.length).toBeLessThanOrEqual(16 * SCALE.kills);
    expect(failures.filter((failure) => !/ECONNRESET|socket hang up|EPIPE/.test(failure))).toEqual([]);
    expect(fresh).toBeGreaterThan(failures.length);
  });

  it('gives an instance that comes a part of the connections that are kept open', async () => {
    const program = await startProgram(2);
    const agents = keptConnections(40);
    onTestFinished(() => {
      for (const agent of agents) agent.destroy();
    });
    const served = async () => new Set(await Promise.all(agents.map((agent) => callTool(program.at, 'who', agent))));
    const [victim = ''] = await served();
    const from = program.lines.length;
    process.kill(Number.parseInt(victim, 10), 'SIGKILL');
    await program.line(/it ended \(SIGKILL\)/, from);
    // They come back at once, to the one that is left, and stay there unless that lets go of some.
    await Promise.all(agents.map((agent) => callTool(program.at, 'who', agent).catch(() => '')));
    const [, newcomer = ''] = await program.line(/instance \d+ is ready".*"pid":(\d+)/, from);
    for (let pids: string[] = []; !pids.includes(newcomer); pids = [...(await served())].map((who) => who.trim()));
  });

  it('replaces a frozen instance, while the others serve', async () => {
    const program = await startProgram(3);
    for (let freeze = 0; freeze < SCALE.freezes; freeze++) {
      const from = program.lines.length;
      const [pid] = await pidsOf(program.at, 1);
      process.kill(Number(pid), 'SIGSTOP');
      await program.line(/does not respond/, from);
      const answers = await Promise.allSettled(Array.from({ length: 20 }, () => callTool(program.at, 'who')));
      expect(answers.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
      await program.line(/instance \d+ is gone: it was silent for 3000 ms/, from);
      await program.line(/instance \d+ is ready/, from);
    }
  });

  it('invalidates on all instances at once, without Redis', async () => {
    const program = await startProgram(3);
    const before = await askAll(program.at, 'kept', 3);
    expect([...(await askAll(program.at, 'kept', 3))].sort()).toEqual([...before].sort());
    expect(await callTool(program.at, 'invalidate')).toBe('true');
    const after = await askAll(program.at, 'kept', 3);
    for (const [pid, answer] of after) expect(answer).not.toBe(before.get(pid));
  });

  it('tells of a change those who listen on other instances', async () => {
    const program = await startProgram(2);
    const listeners = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const client = createClient('modern');
        const inbox = new Inbox();
        client.fallbackNotificationHandler = inbox.deliver;
        await client.connect(new StreamableHTTPClientTransport(new URL(program.at)));
        onTestFinished(() => client.close());
        await client.listen({ toolsListChanged: true });
        return inbox;
      }),
    );
    await callTool(program.at, 'touch');
    for (const inbox of listeners) await inbox.next('notifications/tools/list_changed');
  });

  it('adds up the metrics of all instances, and is ready while one is', async () => {
    const program = await startProgram(2);
    for (let call = 0; call < 40; call++) await callTool(program.at, 'who');
    const metrics = await program.metricsUrl();
    const pattern =
      /^mcp_server_requests_total\{mcp_method_name="tools\/call",gen_ai_tool_name="who",outcome="ok"\} 40$/m;
    await expect.poll(async () => (await fetch(`${metrics}/metrics`)).text(), { timeout: 30_000 }).toMatch(pattern);
    const health = await fetch(`${metrics}/readyz`);
    expect([health.status, await health.json()]).toEqual([200, { status: 'ready', reasons: [], degraded: [] }]);
  });

  it('serves where it said, after all instances died at one time', async () => {
    const program = await startProgram(2);
    for (const pid of await pidsOf(program.at, 2)) process.kill(pid, 'SIGKILL');
    const ask = () => callTool(program.at, 'who').catch(() => '');
    await expect.poll(ask, { timeout: 30_000 }).toMatch(/^\d+/);
    await pidsOf(program.at, 2);
  });

  it('leaves no instance behind when the supervisor is killed', async () => {
    const program = await startProgram(2);
    const pids = await pidsOf(program.at, 2);
    await program.end('SIGKILL');
    await goneOf(pids);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'finishes what is in flight on a %s that reaches all of its group, in whatever order',
    async (signal) => {
      const program = await startProgram(2);
      const pids = await pidsOf(program.at, 2);
      const inFlight = callTool(program.at, 'wait');
      inFlight.catch(() => {}); // Until it is looked at.
      await callTool(program.at, 'who');
      process.kill(Number(pids[0]), signal);
      program.child.kill(signal);
      await program.line(/instance \d+ is draining/);
      for (const pid of pids) sendSignal(pid, signal);
      expect(await inFlight).toMatch(/^\d+$/);
      expect((await program.end()).code).toBe(0);
      expect(program.lines.filter((line) => line.includes('it ended'))).toEqual([]);
    },
  );

  it('says in one line what is wrong with the program, and starts it once', async () => {
    expect(await runCli('start', 'nowhere.js')).toEqual(
      failure('option "file" must be the path of a program, got "nowhere.js"'),
    );
    const { code, stdout, stderr } = await runCli('start', BROKEN);
    expect([code, stdout, stderr.trim().split('\n').at(-1)]).toEqual([
      1,
      'started\n',
      'peregrine: instance 1 failed to start: it ended (code 1)',
    ]);
    const bounds = await runCli('start', '--instances', '0', PROGRAM);
    expect(bounds.stderr).toContain('It should be a number from 1 to 64');
  });

  it('gives each its share of the machine, and the flags of V8 that a benchmark speaks for', async () => {
    const machine = readMachineFacts();
    const program = await startProgram(2);
    const flags = recommendedV8Flags(resolveHardwareProfile(machine), 2).filter(({ isApplied }) => isApplied);
    expect(JSON.parse(await callTool(program.at, 'share'))).toEqual({
      flags: flags.map(({ flag }) => flag),
      cores: Math.max(1, machine.cores / 2),
      memoryBytes: Math.floor(machine.memoryBytes / 2),
    });
  });

  it('runs only as many as it is told', async () => {
    const program = new Supervised(PROGRAM, '--instances', '1', '--metrics-port', 'off');
    const url = await program.url();
    const pids = new Set<string>();
    for (let call = 0; call < 20; call++) pids.add(await callTool(url, 'who'));
    expect(pids.size).toBe(1);
    expect(program.lines.some((line) => line.startsWith('metrics on'))).toBe(false);
  });
});
