import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { Gateway, type GatewayUrls } from '../../src/balance/gateway/gateway.ts';
import type { GatewayConfig, GatewayServerConfig } from '../../src/balance/gateway/gateway-options.ts';
import type { Logger } from '../../src/kernel/logger.ts';

const SCRIPT = fileURLToPath(new URL('./backend-server.ts', import.meta.url));
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

/** A replica that runs as a process of its own until the end of the test. */
export interface Replica {
  readonly name: string;
  readonly url: string;
  readonly port: number;
  /** Resolves when the process has said this. */
  says(message: string): Promise<void>;
  kill(signal?: NodeJS.Signals): Promise<void>;
}

/** A file that counts what was bought. */
export class Orders {
  readonly folder = mkdtempSync(join(tmpdir(), 'peregrine-gateway-'));
  readonly path = join(this.folder, 'orders');

  constructor() {
    writeFileSync(this.path, '');
    onTestFinished(() => rmSync(this.folder, { recursive: true }));
  }

  /** How often each order was executed. */
  counts(): ReadonlyMap<number, number> {
    const counts = new Map<number, number>();
    for (const line of readFileSync(this.path, 'utf8').split('\n')) {
      if (line !== '') counts.set(Number(line), (counts.get(Number(line)) ?? 0) + 1);
    }
    return counts;
  }
}

export async function startReplica(name: string, orders: Orders): Promise<Replica> {
  const child = fork(SCRIPT, [name, orders.path], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const said: unknown[] = [];
  let heard = (): void => {};
  child.on('message', (message) => {
    said.push(message);
    heard();
  });
  const until = async (isThere: () => boolean): Promise<void> => {
    while (!isThere())
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
  };
  const kill = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    if (isRunning(child)) child.kill(signal);
    await ended;
  };
  onTestFinished(() => kill());
  await until(() => said.length > 0);
  const url = String(said[0]);
  return { name, url, port: Number(new URL(url).port), says: (message) => until(() => said.includes(message)), kill };
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  /** The text of a tool's result; nothing where it is none. */
  readonly text: string | undefined;
  readonly headers: Headers;
}

/** One modern request to an endpoint; rejects where the connection breaks. */
export async function ask(url: string, method: string, params: object = {}, init: RequestInit = {}): Promise<Answer> {
  const response = await request(url, method, params, init);
  const body = await response.text();
  return { status: response.status, body, text: textOf(body), headers: response.headers };
}

/** The same, with the body still to be read. */
export function request(url: string, method: string, params: object = {}, init: RequestInit = {}): Promise<Response> {
  const { name } = params as { readonly name?: string };
  const meta = { ...META, ...(params as { readonly _meta?: object })._meta };
  return fetch(url, {
    ...init,
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      'MCP-Protocol-Version': '2026-07-28',
      'Mcp-Method': method,
      ...(name === undefined ? {} : { 'Mcp-Name': name }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: meta } }),
  });
}

export function call(url: string, name: string, args: object = {}): Promise<Answer> {
  return ask(url, 'tools/call', { name, arguments: args });
}

function textOf(body: string): string | undefined {
  try {
    return JSON.parse(body).result?.content?.[0]?.text;
  } catch {
    return undefined;
  }
}

export interface RunningGateway {
  readonly gateway: Gateway;
  /** Of the server `shop`. */
  readonly url: string;
  readonly urls: GatewayUrls;
  readonly logged: string[];
}

/** A gateway before one server that is called `shop`, until the end of the test. */
export async function startGateway(
  shop: GatewayServerConfig,
  more: Partial<GatewayConfig> = {},
): Promise<RunningGateway> {
  const logged: string[] = [];
  const note = (details: object, message: string): void => void logged.push(`${message} ${JSON.stringify(details)}`);
  const logger: Logger = { info: note, warn: note };
  const gateway = new Gateway({ listen: { port: 0 }, servers: { shop }, ...more }, { logger });
  onTestFinished(() => gateway.close(0));
  const urls = await gateway.listen();
  return { gateway, url: urls.servers['shop'] as string, urls, logged };
}
