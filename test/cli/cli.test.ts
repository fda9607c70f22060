import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { failure, runAsNode, runCli } from './run-cli.ts';
import { startToolServer, type ToolServer } from './tool-server.ts';

let server: ToolServer;
let url: string;
beforeAll(async () => {
  server = await startToolServer();
  url = server.url;
});
afterAll(() => server.stop());

describe('peregrine', () => {
  it('prints the version of package.json', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(await runCli('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('shows help with commands, exit codes and examples', async () => {
    const { code, stdout, stderr } = await runCli('--help');
    expect([code, stderr]).toEqual([0, '']);
    for (const part of ['call', 'list', 'Exit codes:', 'Examples:', '\'{"category":"Books"}\''])
      expect(stdout).toContain(part);
  });

  it('shows help on standard error, and fails, when called without a command', async () => {
    const { code, stdout, stderr } = await runCli();
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('Usage: peregrine');
  });

  it.each([
    [['cal'], "unknown command 'cal' (Did you mean call?)"],
    [['call'], "missing required argument 'url'"],
    [['list', 'http://127.0.0.1:1/', '--wrong'], "unknown option '--wrong'"],
    [
      ['call', 'u', 't', '--timeout', 'soon'],
      "option '--timeout <seconds>' argument 'soon' is invalid. It should be a number of seconds, at most 86400.",
    ],
    [
      ['call', 'u', 't', '--header', 'no colon'],
      "option '-H, --header <line>' argument 'no colon' is invalid. It should look like 'Name: value'.",
    ],
    [
      ['call', 'u', 't', '--legacy', '--protocol', '2026-07-28'],
      "option '--legacy' cannot be used with option '--protocol <revision>'",
    ],
    [['call', 'here', 't'], '"here" is not an http or https URL; it should look like http://127.0.0.1:3000/mcp'],
    [
      ['call', 'ftp://host/mcp', 't'],
      '"ftp://host/mcp" is not an http or https URL; it should look like http://127.0.0.1:3000/mcp',
    ],
    [
      ['call', 'http://127.0.0.1/mcp', 't', '[1]'],
      `the arguments must be a JSON object such as '{"category":"Books"}'`,
    ],
  ])('answers %j with one line', async (args, line) => {
    expect(await runCli(...args)).toEqual(failure(line));
  });

  it('says where the JSON of the arguments is wrong', async () => {
    const { code, stdout, stderr } = await runCli('call', 'http://127.0.0.1/mcp', 'add', '{"a":\n}');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^peregrine: the arguments are not JSON: .+\n$/);
  });
});

describe('peregrine call', () => {
  it('prints the text contents', async () => {
    expect(await runCli('call', url, 'add', '{"a":1,"b":2}')).toEqual({ code: 0, stdout: '3\n', stderr: '' });
  });

  it('sends no arguments but an empty object when none are given', async () => {
    expect(await runCli('call', url, 'echo')).toEqual({ code: 0, stdout: '{}\n', stderr: '' });
  });

  it('prints the structured content when there is no text', async () => {
    expect(await runCli('call', url, 'structured')).toEqual({ code: 0, stdout: '{\n  "x": 1\n}\n', stderr: '' });
  });

  it('names what it cannot print', async () => {
    const { stdout } = await runCli('call', url, 'mixed');
    expect(stdout).toBe('one\n[image: image/png, 4 base64 characters]\n[resource: thing://linked]\ninside\n');
  });

  it('prints the whole result as JSON with --raw', async () => {
    const { code, stdout } = await runCli('call', url, 'add', '{"a":1}', '--raw');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ content: [{ type: 'text', text: '1' }] });
  });

  it("exits with 2 and the tool's text on standard error when the tool answers with an error", async () => {
    expect(await runCli('call', url, 'fail')).toEqual({ code: 2, stdout: '', stderr: 'no luck\n' });
    const raw = await runCli('call', url, 'fail', '--raw');
    expect([raw.code, raw.stderr]).toEqual([2, '']);
    expect(JSON.parse(raw.stdout)).toMatchObject({ isError: true });
  });

  it("exits with 2 when the tool's own schema refuses the arguments", async () => {
    const { code, stdout, stderr } = await runCli('call', url, 'add', '{"a":"one"}');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('a');
  });

  it('names the tools there are when asked for one that there is not', async () => {
    expect(await runCli('call', url, 'nope')).toEqual(
      failure('there is no tool "nope"; the server has add, echo, fail, hang, headers, mixed, structured'),
    );
  });

  it('sends the headers it is given', async () => {
    const { stdout } = await runCli('call', url, 'headers', '-H', 'X-First: 1', '--header', 'x-second:  two words ');
    expect(JSON.parse(stdout)).toMatchObject({ 'x-first': '1', 'x-second': 'two words' });
  });

  it.each([
    [[], '2026-07-28'],
    [['--protocol', '2026-07-28'], '2026-07-28'],
    [['--legacy'], '2025-11-25'],
    [['--protocol', '2025-06-18'], '2025-06-18'],
  ])('with %j speaks revision %s', async (options, revision) => {
    const { stdout } = await runCli('list', url, ...options);
    expect(stdout).toMatch(new RegExp(`^tool-server 1\\.2\\.3, protocol ${revision}\n`));
    expect((await runCli('call', url, 'add', '{"a":4}', ...options)).stdout).toBe('4\n');
  });

  it('refuses a revision that the server does not speak', async () => {
    expect(await runCli('call', url, 'add', '{"a":4}', '--protocol', '2099-01-01')).toEqual(
      failure('the server does not speak protocol revision 2099-01-01; it speaks 2026-07-28'),
    );
  });

  it('gives up after --timeout seconds', async () => {
    expect(await runCli('call', url, 'hang', '--timeout', '0.3')).toEqual(
      failure(`${url} did not answer within 0.3 s`),
    );
  });
});

describe('peregrine list', () => {
  it('shows tools, resources, templates and prompts in aligned columns', async () => {
    const { code, stdout, stderr } = await runCli('list', url);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('\nTools (7)\n  add         a, b?  Adds two numbers\n');
    expect(stdout).toContain('\nResources (1)\n  thing://one  one  The only thing\n');
    expect(stdout).toContain('\nResource templates (1)\n  thing://{id}  thing  Any thing\n');
    expect(stdout).toContain('\nPrompts (1)\n  greet  name, tone?  Greets somebody\n');
  });

  it('prints JSON with --json', async () => {
    const { stdout } = await runCli('list', url, '--json');
    const listed = JSON.parse(stdout);
    expect(listed).toMatchObject({ server: { name: 'tool-server', version: '1.2.3' }, protocol: '2026-07-28' });
    expect(listed.tools.map(({ name }: { name: string }) => name)).toContain('structured');
    expect([listed.resources.length, listed.resourceTemplates.length, listed.prompts.length]).toEqual([1, 1, 1]);
  });
});

describe('a server that is not there, or is no MCP server', () => {
  let http: Server | undefined;
  afterEach(
    () =>
      new Promise<void>((resolve) => {
        http?.closeAllConnections();
        if (http?.listening) http.close(() => resolve());
        else resolve();
      }),
  );

  async function serve(listener: RequestListener): Promise<string> {
    http = createServer(listener);
    await new Promise<void>((resolve) => http?.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`;
  }

  it('says that the connection was refused', async () => {
    const closed = await serve(() => undefined);
    await new Promise((resolve) => http?.close(resolve));
    expect(await runCli('call', closed, 'add')).toEqual(
      failure(`cannot reach ${closed}: connection refused; is the server running?`),
    );
  });

  it('says that there is no such host', async () => {
    const { code, stderr } = await runCli('list', 'http://nowhere.invalid/mcp');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^peregrine: cannot reach http:\/\/nowhere\.invalid\/mcp: (no such host|the name of the host cannot be looked up)\n$/,
    );
  });

  it.each([
    [404, 'no MCP server on this path; is it /mcp?'],
    [401, 'it wants other credentials; give them with --header'],
    [403, 'it wants other credentials; give them with --header'],
  ])('explains HTTP status %i', async (status, hint) => {
    const there = await serve((_, response) => response.writeHead(status, { 'content-type': 'text/plain' }).end('no'));
    expect(await runCli('list', there)).toEqual(failure(`${there} answered ${status}: ${hint}`));
  });

  it('shows any other HTTP status', async () => {
    const there = await serve((_, response) => response.writeHead(502).end());
    expect(await runCli('list', there)).toEqual(failure(`${there} answered with HTTP status 502`));
  });

  it('fails with one line on a web page', async () => {
    const there = await serve((_, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<p>Hello</p>'),
    );
    const { code, stdout, stderr } = await runCli('list', there);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^peregrine: .+\n$/);
  });

  it('fails with one line on a connection that is closed without an answer', async () => {
    const there = await serve((request) => request.socket.destroy());
    const { code, stdout, stderr } = await runCli('list', there);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^peregrine: cannot reach .+\n$/);
  });

  it('says that TLS failed', async () => {
    const there = (await serve(() => undefined)).replace('http:', 'https:');
    const { code, stderr } = await runCli('list', there);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^peregrine: cannot reach .+: no TLS connection \(ERR_SSL_.+\)\n$/);
  });
});

describe('an old Node.js', () => {
  it('is refused with one line', async () => {
    expect(await runAsNode('22.17.1', 'list', url)).toEqual(
      failure('Node.js 22.18 or newer is needed, this is 22.17.1'),
    );
    expect((await runAsNode('22.18.0', '--version')).code).toBe(0);
  });
});
