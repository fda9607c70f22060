import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** What a false Redis answers to a command; nothing for none. */
export type Answer = (command: readonly string[]) => string | Buffer | undefined;

const HELLO = '%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n';

export interface FalseRedis {
  readonly url: string;
  readonly port: number;
  readonly commands: string[];
  /** Connections that were made so far. */
  connections: number;
  answer: Answer;
  stop(): Promise<void>;
}

/** A server that takes Redis commands and answers as the test likes. */
export async function startFalseRedis(answer: Answer): Promise<FalseRedis> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    redis.connections++;
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => {});
    socket.on('data', (data: Buffer) => {
      for (const command of commandsIn(data)) {
        redis.commands.push(command[0] ?? '');
        const reply = redis.answer(command);
        if (reply !== undefined) socket.write(typeof reply === 'string' ? Buffer.from(reply) : reply);
      }
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    for (const socket of open) socket.destroy();
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  };
  const redis: FalseRedis = { url: `redis://127.0.0.1:${port}`, port, commands: [], connections: 0, answer, stop };
  onTestFinished(stop);
  return redis;
}

/** As far as the client's first words go: then it is connected, and believes that it is subscribed. */
export function greet([name = '', ...rest]: readonly string[]): string | undefined {
  if (name === 'HELLO') return HELLO;
  if (name === 'CLIENT') return '+OK\r\n';
  if (name.toUpperCase() === 'SUBSCRIBE') return `>3\r\n$9\r\nsubscribe\r\n$${rest[0]?.length}\r\n${rest[0]}\r\n:1\r\n`;
  return undefined;
}

/** Bytes that are no RESP, or not what was asked for. */
export function noise(): Buffer {
  return randomBytes(1 + (randomBytes(1)[0] ?? 0));
}

/** The commands in a chunk, which holds whole ones for what the tests send. */
function commandsIn(data: Buffer): string[][] {
  const lines = data.toString('latin1').split('\r\n');
  const commands: string[][] = [];
  for (let at = 0; at < lines.length; ) {
    const count = /^\*(\d+)$/.exec(lines[at++] ?? '')?.[1];
    if (count === undefined) continue;
    commands.push(Array.from({ length: Number(count) }, (_, n) => lines[at + 2 * n + 1] ?? ''));
    at += 2 * Number(count);
  }
  return commands;
}
