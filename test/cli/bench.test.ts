import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failure, runCli } from './run-cli.ts';
import { startToolServer, type ToolServer } from './tool-server.ts';

let server: ToolServer;
let url: string;
let folder: string;
beforeAll(async () => {
  server = await startToolServer();
  url = server.url;
  folder = await mkdtemp(join(tmpdir(), 'peregrine-bench-'));
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Enough for a run that is not about its figures. */
const SHORT = ['--connections', '4', '--requests', '300', '--warm-up', '50ms', '--duration', '30s'];
const bench = (...args: string[]) => runCli('bench', ...SHORT, ...args);

describe('peregrine bench', () => {
  it('loads the tools that were named, with arguments from their schemas, and reports', async () => {
    const { code, stdout, stderr } = await bench('--tool', 'add', '--tool', 'echo', url);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain(`${url} · tool-server 1.2.3 · 2026-07-28 · 4 connections`);
    expect(stdout).toMatch(/answers +300 /);
    expect(stdout).toMatch(/errors +0 +0\.0 %/);
    expect(stdout).toMatch(/add +\d+ +0 /);
    expect(stdout).toMatch(/echo +\d+ +0 /);
  });

  it.each([['--legacy'], ['--protocol=2025-06-18']])('speaks earlier revisions: %s', async (flag) => {
    const { code, stdout } = await bench(flag, '--mix', 'add=3,tools/list=1', url);
    expect(code).toBe(0);
    expect(stdout).toContain(flag === '--legacy' ? '2025-11-25' : '2025-06-18');
    expect(stdout).toMatch(/errors +0 /);
  });

  it('gives each connection a session of its own where the server has sessions', async () => {
    const withSessions = await startToolServer({ sessions: true });
    const { code, stdout } = await bench('--legacy', '--tool', 'add', withSessions.url);
    await withSessions.stop();
    expect(code).toBe(0);
    expect(stdout).toMatch(/errors +0 /);
  });

  it('calls nothing unasked that does not say it only reads', async () => {
    const { code, stderr } = await bench(url);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^peregrine: no tool of the server says that it only reads; name those to call with --tool/);
  });

  it('counts what tools answer with errors, and fails where a condition holds', async () => {
    const { code, stdout, stderr } = await bench(
      '--tool',
      'fail',
      '--fail-if',
      'errors>50%',
      '--fail-if',
      'p99<0us',
      url,
    );
    expect([code, stderr]).toEqual([2, 'failed: errors>50%: errors is 100.0 %\n']);
    expect(stdout).toMatch(/tool error +300/);
  });

  it('writes a run as JSON and as a page, and compares a later one with it', async () => {
    const [json, html] = [join(folder, 'run.json'), join(folder, 'run.html')];
    const first = await bench('--tool', 'add', '--json', json, '--html', html, url);
    expect([first.code, first.stderr]).toEqual([0, '']);
    const run = JSON.parse(await readFile(json, 'utf8'));
    expect(run).toMatchObject({
      format: 1,
      url,
      answers: 300,
      errors: 0,
      load: { loop: 'closed', mix: [{ name: 'add' }] },
    });
    const page = await readFile(html, 'utf8');
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).not.toMatch(/<script|https?:\/\/(?!127\.0\.0\.1)/);
    const later = await bench('--tool', 'add', '--baseline', json, url);
    expect(later.stdout).toMatch(/answers\/s +\S+ +\S+ +\d/);
  });

  it('runs two servers in turns', async () => {
    const other = await startToolServer();
    const { code, stdout } = await bench('--tool', 'add', '--against', other.url, '--rounds', '2', '--json', '-', url);
    await other.stop();
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([
      { url, answers: 300 },
      { url: other.url, answers: 300 },
    ]);
  });

  it('takes arguments as JSON and from a file', async () => {
    const file = join(folder, 'arguments.json');
    await writeFile(file, '{"add": [{"a": 1}, {"a": "no number"}]}');
    const mixed = await bench('--tool', 'add', '--args', `@${file}`, url);
    expect(mixed.stdout).toMatch(/tool error +\d+/);
    expect((await bench('--tool', 'add', '--args', '{"a": 1}', url)).stdout).toMatch(/errors +0 /);
  });

  it.each([
    [
      ['--tool', 'nothing'],
      'the server has no tool "nothing"; it has add, echo, fail, hang, headers, mixed, structured',
    ],
    [
      ['--tool', 'add', '--args', '[1]'],
      'the arguments must be a JSON object, a list of objects, or a list of objects for each tool',
    ],
    [
      ['--tool', 'add', '--tool', 'echo', '--args', '{"a":1}'],
      'arguments for 2 tools must say for which: {"add": [...]}',
    ],
    [['--mix', 'add=x'], '--mix: "add=x" is not NAME=WEIGHT'],
    [
      ['--tool', 'add', '--baseline', 'no-such-file'],
      "cannot read no-such-file: ENOENT: no such file or directory, open 'no-such-file'",
    ],
  ])('says what is wrong with %j', async (args, line) => {
    expect(await bench(...args, url)).toEqual(failure(line));
  });

  it.each([
    [['--fail-if', 'p98>5ms'], /--fail-if.*"p98" is none of/],
    [['--duration', 'soon'], /--duration.*"soon" is not a time/],
    [['--stages', '5s'], /--stages.*"5s" is not TIME:LEVEL/],
    [['--connections', '0'], /--connections.*from 1 on/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await bench(...args, url);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });
});
