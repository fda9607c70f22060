import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { modernFields } from '../support/http.ts';
import { modernRequest, type Rpc } from '../support/messages.ts';

interface Told {
  readonly event: string;
  readonly value?: unknown;
}

let child: ChildProcess | undefined;

afterEach(() => {
  if (child?.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
});

/** Starts the process; the function answers the next event of a kind, past or to come. */
function start(manner: string): { process: ChildProcess; told: (event: string) => Promise<Told>; events: string[] } {
  const started = fork(new URL('terminating-server.ts', import.meta.url), [manner], { stdio: 'inherit', execArgv: [] });
  const past: Told[] = [];
  const waiting = new Map<string, (told: Told) => void>();
  const events: string[] = [];
  started.on('message', (told: Told) => {
    past.push(told);
    events.push(told.event);
    waiting.get(told.event)?.(told);
  });
  child = started;
  const told = (event: string): Promise<Told> => {
    const found = past.find((each) => each.event === event);
    return found ? Promise.resolve(found) : new Promise((resolve) => waiting.set(event, resolve));
  };
  return { process: started, told, events };
}

function callHold(url: string): Promise<Response> {
  const params = { name: 'hold' };
  const headers = { 'Content-Type': 'application/json', ...modernFields('tools/call', params) };
  return fetch(url, { method: 'POST', headers, body: JSON.stringify(modernRequest('tools/call', params)) });
}

describe('onTermination', () => {
  it('lets a request in flight finish, takes no new one, and exits with 0', async () => {
    const server = start('serves');
    const url = String((await server.told('ready')).value);
    const answer = callHold(url);
    await server.told('entered');
    server.process.kill('SIGTERM');
    await server.told('signalled');
    await expect(callHold(url)).rejects.toThrow();
    const exited = once(server.process, 'exit');
    server.process.send('go on');
    const { result } = (await (await answer).json()) as Rpc;
    expect(result?.content).toEqual([{ type: 'text', text: 'finished' }]);
    expect(await exited).toEqual([0, null]);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('exits with 1 on a second signal: %s', async (name) => {
    const server = start('serves');
    const call = callHold(String((await server.told('ready')).value)).catch((error: unknown) => error);
    await server.told('entered');
    const exited = once(server.process, 'exit');
    server.process.kill('SIGTERM');
    await server.told('signalled');
    server.process.kill(name);
    expect(await exited).toEqual([1, null]);
    expect(await call).toBeInstanceOf(Error);
  });

  it.each([
    ['succeeds', 0],
    ['fails', 1],
  ])('runs all shutdowns of the process and exits: one %s', async (manner, code) => {
    const { process, told, events } = start(manner);
    await told('ready');
    const exited = once(process, 'exit');
    process.kill('SIGINT');
    expect(await exited).toEqual([code, null]);
    expect(events).toEqual(expect.arrayContaining(['first', 'second']));
  });

  it('goes on for the others when one shutdown is taken back', async () => {
    const { process, told, events } = start('forgets one');
    await told('ready');
    const exited = once(process, 'exit');
    process.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(events).toContain('second');
    expect(events).not.toContain('first');
  });

  it('leaves signals their usual effect when no shutdown is left', async () => {
    const { process, told, events } = start('forgets');
    await told('ready');
    const exited = once(process, 'exit');
    process.kill('SIGTERM');
    expect(await exited).toEqual([null, 'SIGTERM']);
    expect(events).toEqual(['ready']);
  });
});
