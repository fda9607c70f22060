import { Agent } from 'node:http';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished, vi } from 'vitest';
import { modernRequest, type Rpc } from '../unit/support/messages.ts';
import { FOLLOWS } from '../unit/support/task-instance.ts';
import { callTool, postModern } from './calls.ts';
import { Supervised } from './supervised.ts';

const PROGRAM = fileURLToPath(new URL('task-program.ts', import.meta.url));
const YES = { sure: { action: 'accept', content: { confirm: true } } };
/** A lease lapses after half a minute, and is missed for some time before anybody believes it. */
const SOON = { timeout: 90_000, interval: 100 };

/** A client whose one connection stays with the instance that took it. */
class Client {
  readonly pid: number;
  readonly #url: string;
  readonly #agent: Agent;

  constructor(url: string, agent: Agent, pid: number) {
    this.#url = url;
    this.#agent = agent;
    this.pid = pid;
  }

  async ask(method: string, params: Record<string, unknown>): Promise<Record<string, unknown>> {
    const body = JSON.stringify(modernRequest(method, params, { capabilities: FOLLOWS }));
    const { result, error } = JSON.parse(await postModern(this.#url, body, method, params, this.#agent)) as Rpc;
    return result ?? { code: error?.code };
  }

  async begin(name: string, args: object): Promise<string> {
    return (await this.ask('tools/call', { name, arguments: args })).taskId as string;
  }
}

/** A client of each of two instances. */
async function startBoth(): Promise<[Client, Client]> {
  const program = new Supervised(PROGRAM, '--instances', '2');
  const at = await program.url();
  await program.ready(2);
  const clients = new Map<number, Client>();
  while (clients.size < 2) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    const pid = Number(await callTool(at, 'who', agent));
    clients.set(pid, new Client(at, agent, pid));
  }
  return [...clients.values()] as [Client, Client];
}

it('tasks kept by the supervisor are answered for, cancelled and gone on with by any instance', async () => {
  const [one, other] = await startBoth();
  const statusOf = async (taskId: string) => (await other.ask('tasks/get', { taskId })).status;
  const running = await one.begin('slow_compute', { seconds: 600 });
  expect(await statusOf(running)).toBe('working');
  await other.ask('tasks/cancel', { taskId: running });
  expect(await one.ask('tasks/get', { taskId: running })).toMatchObject({ status: 'cancelled' });

  const asking = await one.begin('confirm_delete', { filename: 'a.txt' });
  await vi.waitFor(async () => expect(await statusOf(asking)).toBe('input_required'), SOON);
  await other.ask('tasks/update', { taskId: asking, inputResponses: YES });
  await vi.waitFor(async () => expect(await statusOf(asking)).toBe('completed'), SOON);
  expect(await one.ask('tasks/get', { taskId: asking })).toMatchObject({
    result: { content: [{ text: 'a.txt deleted' }] },
  });

  const [lost, waiting] = [await one.begin('slow_compute', { seconds: 600 }), await one.begin('multi_input', {})];
  await vi.waitFor(async () => expect(await statusOf(waiting)).toBe('input_required'), SOON);
  process.kill(one.pid, 'SIGKILL');
  const gives = { first: YES.sure, second: YES.sure };
  await other.ask('tasks/update', { taskId: waiting, inputResponses: gives });
  await vi.waitFor(async () => expect(await statusOf(waiting)).toBe('completed'), SOON);
  await vi.waitFor(async () => expect(await statusOf(lost)).toBe('failed'), SOON);
});
