import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { failure, runCli } from './run-cli.ts';
import { startToolServer, type ToolServer } from './tool-server.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** A folder with a configuration, until the end of the test. */
function configFile(content: unknown): string {
  const folder = mkdtempSync(join(tmpdir(), 'peregrine-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'gateway.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

/** The command, and what it has said so far. */
class Running {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly ended: Promise<number | null>;
  #text = '';
  #heard = (): void => {};

  constructor(path: string) {
    this.child = spawn(process.execPath, [MAIN, 'gateway', '--config', path], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.ended = new Promise((resolve) => this.child.once('close', resolve));
    for (const stream of [this.child.stdout, this.child.stderr])
      stream.on('data', (chunk: Buffer) => {
        this.#text += chunk.toString();
        this.#heard();
      });
    onTestFinished(async () => {
      this.child.kill('SIGKILL');
      await this.ended;
    });
  }

  /** Resolves with what a pattern finds in all that was said. */
  async says(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = pattern.exec(this.#text);
      if (found !== null) return found[1] ?? found[0];
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }
}

describe('peregrine gateway', () => {
  let server: ToolServer;
  beforeAll(async () => {
    server = await startToolServer();
    return () => server.stop();
  });

  it('serves what its file says, goes on by another one, and ends in an orderly way', async () => {
    const listen = { port: 0 };
    const path = configFile({ listen, admin: { port: 0 }, servers: { tools: { endpoints: [server.url] } } });
    const gateway = new Running(path);
    const url = await gateway.says(/^tools on (http:\S+\/mcp)\n/m);
    const admin = await gateway.says(/^admin on (http:\S+)\n/m);
    expect((await fetch(`${admin}/readyz`)).status).toBe(200);
    expect(await runCli('call', url, 'add', '{"a":1,"b":2}')).toMatchObject({ code: 0, stdout: '3\n' });

    const servers = { tools: { path: '/tools', endpoints: [server.url] } };
    writeFileSync(path, JSON.stringify({ listen, admin: { port: 0 }, servers }));
    await gateway.says(/goes on by the new configuration/);
    const moved = url.replace('/mcp', '/tools');
    expect(await runCli('call', moved, 'add', '{"a":1,"b":2}')).toMatchObject({ code: 0, stdout: '3\n' });

    writeFileSync(path, '{');
    await gateway.says(/the new configuration is refused/);
    gateway.child.kill('SIGHUP');
    expect(await runCli('call', moved, 'add', '{"a":2,"b":2}')).toMatchObject({ code: 0, stdout: '4\n' });

    gateway.child.kill('SIGTERM');
    expect(await gateway.ended).toBe(0);
  });

  it('says what is wrong with its file', async () => {
    const missing = join(tmpdir(), 'peregrine-no-such-file.json');
    expect((await runCli('gateway', '--config', missing)).stderr).toContain(`${missing} cannot be read: ENOENT`);
    const noJson = configFile('{');
    expect((await runCli('gateway', '-c', noJson)).stderr).toContain(`${noJson} is not JSON`);
    const wrong = configFile({ servers: { x: {} } });
    const message = `${wrong}: option "servers.x" must have exactly one of endpoints, dns, kubernetes, got an object`;
    expect(await runCli('gateway', '-c', wrong)).toEqual(failure(message));
    expect(await runCli('gateway')).toMatchObject({ code: 1, stderr: expect.stringContaining('--config') });
  });
});
