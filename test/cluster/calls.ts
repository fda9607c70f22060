import { Agent, type IncomingMessage, request } from 'node:http';
import { modernFields } from '../unit/support/http.ts';
import { modernRequest } from '../unit/support/messages.ts';

/** Calls a tool over a connection of its own, or over that of an agent. @returns The text that it answers. */
export async function callTool(url: string, name: string, agent: Agent | false = false): Promise<string> {
  const params = { name, arguments: {} };
  const text = await postModern(url, JSON.stringify(modernRequest('tools/call', params)), 'tools/call', params, agent);
  const { result, error } = JSON.parse(text) as {
    result?: { content: { text: string }[] };
    error?: { message: string };
  };
  if (result === undefined) throw new Error(error?.message);
  return result.content[0]?.text ?? '';
}

/** Posts a request of the modern era, written as `body`. @returns Its answer. */
export function postModern(
  url: string,
  body: string,
  method: string,
  params: Record<string, unknown>,
  agent: Agent | false,
): Promise<string> {
  const headers = {
    'Content-Type': 'application/json',
    Accept: 'application/json, text/event-stream',
    'Content-Length': Buffer.byteLength(body),
    ...modernFields(method, params),
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers, agent }, (response: IncomingMessage) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Agents with one kept-alive connection each. */
export function keptConnections(count: number): Agent[] {
  return Array.from({ length: count }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
}

/** What came of calls that went on while something else happened. */
export interface Tally {
  fresh: number;
  kept: number;
  readonly failures: string[];
}

/** Calls without a break, over new connections and over kept ones, until it is told to stop. */
export class Callers {
  readonly tally: Tally = { fresh: 0, kept: 0, failures: [] };
  readonly #running: Promise<void>[] = [];
  readonly #agents: Agent[];
  readonly #url: string;
  #isOver = false;

  /** @param fresh How many of the calls over new connections are under way at a time. */
  constructor(url: string, { fresh, kept }: { readonly fresh: number; readonly kept: number }) {
    this.#url = url;
    this.#agents = keptConnections(kept);
    for (let index = 0; index < fresh; index++) this.#running.push(this.#call('fresh', false));
    for (const agent of this.#agents) this.#running.push(this.#call('kept', agent));
  }

  /** Waits until so many calls over new connections were made. */
  async made(fresh: number): Promise<void> {
    while (this.tally.fresh < fresh) await callTool(this.#url, 'who');
  }

  async stop(): Promise<Tally> {
    this.#isOver = true;
    await Promise.all(this.#running);
    for (const agent of this.#agents) agent.destroy();
    return this.tally;
  }

  async #call(kind: 'fresh' | 'kept', agent: Agent | false): Promise<void> {
    while (!this.#isOver) {
      try {
        await callTool(this.#url, 'who', agent);
      } catch (error) {
        this.tally.failures.push(`${kind}: ${String(error)}`);
      }
      this.tally[kind]++;
    }
  }
}
