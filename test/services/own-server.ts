import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chownSync, closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { reasonOf } from './answers.ts';
import { guard, release, removeFolder } from './guard.ts';
import { inTime } from './in-time.ts';
import { goneOf, signalFamily, stillOf } from './processes.ts';

/** A server that this process started for itself. */
export interface OwnServer {
  readonly url: string;
  readonly port: number;
  /** The temporary folder with all its files. */
  readonly folder: string;
  /** The server's process; another one after `restart()`. */
  readonly pid: number;
  /**
   * Ends it, by `SIGKILL` when it does not end by itself within 10 seconds, and removes its folder.
   *
   * @param keepData Leaves the folder, so that `restart()` can bring the server back. @default false
   */
  stop(options?: { readonly keepData?: boolean }): Promise<void>;
  /**
   * Sends a signal. `SIGKILL`, `SIGSTOP` and `SIGCONT` go to all processes of the server, and the first two resolve
   * when these are gone or stand still.
   */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Brings it back on the same port with the same folder, ending it first when it runs. */
  restart(): Promise<void>;
}

/** How to make and run a server of one kind. */
export interface ServerPlan {
  readonly name: string;
  /** The user and group to run as; this process's own when left out. */
  readonly user: { readonly uid?: number; readonly gid?: number };
  /** Asks the server to end without waiting for its clients. */
  readonly stopSignal: NodeJS.Signals;
  /** The command that makes the files to start with. */
  prepare?(folder: string): readonly string[];
  command(folder: string, port: number): readonly string[];
  url(port: number): string;
  /** Asks a trivial question by the driver; rejects while there is no answer. */
  ask(url: string): Promise<void>;
}

const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;
const LOG = 'server.log';

export async function startServer(plan: ServerPlan): Promise<OwnServer> {
  const server = new Server(plan, await freePort());
  try {
    await server.prepare();
    await server.launch();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

class Server implements OwnServer {
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  readonly #plan: ServerPlan;
  #child: ChildProcess | undefined;
  #pid = 0;
  #removed = false;

  constructor(plan: ServerPlan, port: number) {
    this.port = port;
    this.url = plan.url(port);
    this.#plan = plan;
    this.folder = mkdtempSync(join(tmpdir(), `peregrine-${plan.name}-`));
    guard({ folder: this.folder, pid: undefined });
    const { uid, gid } = plan.user;
    if (uid !== undefined && gid !== undefined) chownSync(this.folder, uid, gid);
  }

  get pid(): number {
    return this.#pid;
  }

  async prepare(): Promise<void> {
    const command = this.#plan.prepare?.(this.folder);
    if (!command) return;
    const child = this.#spawn(command);
    await ended(child);
    if (child.exitCode !== 0) throw this.#failure(`${command[0]} failed`);
  }

  /** Starts the process and waits until it answers. */
  async launch(): Promise<void> {
    const child = this.#spawn(this.#plan.command(this.folder, this.port));
    this.#pid = child.pid ?? 0;
    const deadline = performance.now() + START_TIMEOUT_MS;
    for (;;) {
      const problem = await this.#plan.ask(this.url).then(() => undefined, reasonOf);
      if (hasEnded(child)) throw this.#failure('ended while starting');
      if (problem === undefined) return;
      if (performance.now() > deadline) throw this.#failure(`no answer after ${START_TIMEOUT_MS} ms (${problem})`);
      await delay(25);
    }
  }

  async stop(options: { readonly keepData?: boolean } = {}): Promise<void> {
    const child = this.#child;
    if (child && !hasEnded(child)) {
      child.kill(this.#plan.stopSignal);
      if (child.pid !== undefined) signalFamily(child.pid, 'SIGCONT'); // one that is stopped would not see the signal
      await inTime(ended(child), STOP_TIMEOUT_MS).catch(() => killAll(child));
    }
    if (options.keepData) return;
    this.#removed = true;
    removeFolder(this.folder);
    release(this.folder);
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child?.pid || hasEnded(child)) throw new Error(`${this.#plan.name}: does not run`);
    if (signal === 'SIGKILL') await killAll(child);
    else if (signal === 'SIGSTOP') await stillOf(signalFamily(child.pid, signal));
    else if (signal === 'SIGCONT') signalFamily(child.pid, signal);
    else child.kill(signal);
  }

  async restart(): Promise<void> {
    if (this.#removed) throw new Error(`${this.#plan.name}: was stopped without keepData, there is nothing to restart`);
    await this.stop({ keepData: true });
    await this.launch();
  }

  #spawn([program = '', ...args]: readonly string[]): ChildProcess {
    const log = openSync(join(this.folder, LOG), 'a');
    // Detached, it does not get the terminal's Ctrl-C: how it ends is decided here.
    const child = spawn(program, args, {
      cwd: this.folder,
      stdio: ['ignore', log, log],
      detached: true,
      ...this.#plan.user,
    });
    closeSync(log);
    child.unref();
    this.#child = child;
    guard({ folder: this.folder, pid: child.pid });
    child.once('error', (error) => appendFileSync(join(this.folder, LOG), `${error.message}\n`));
    child.once('exit', () => {
      if (this.#child === child && !this.#removed) guard({ folder: this.folder, pid: undefined });
    });
    return child;
  }

  #failure(what: string): Error {
    const log = readFileSync(join(this.folder, LOG), 'utf8').trim().split('\n').slice(-3).join(' | ');
    return new Error(`${this.#plan.name}: ${what}; its log ends with: ${log}`);
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function killAll(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || hasEnded(child)) return;
  const family = signalFamily(child.pid, 'SIGKILL');
  await Promise.all([ended(child), goneOf(family)]);
}

async function ended(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  child.ref();
  await once(child, 'exit');
}

/**
 * A free port below those that the kernel hands to outgoing connections: while a server is down, a client that tries
 * again and again must neither take its port nor connect to itself.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 16_384 + Math.floor(Math.random() * 16_384);
    const probe = createServer();
    const free = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!free) continue;
    probe.close();
    await once(probe, 'close');
    return port;
  }
}
