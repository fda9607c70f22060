import { expect, it } from 'vitest';
import { readDirectly } from '../../src/transport/http/direct-reads.ts';
import { settle } from './memory-lane.ts';
import { MemorySocket } from './memory-socket.ts';

function start() {
  const socket = new MemorySocket();
  const got: string[] = [];
  const listener = (chunk: Buffer): void => void got.push(chunk.toString());
  socket.on('data', listener);
  const stop = readDirectly(socket, listener);
  return { socket, got, stop };
}

it('gives bytes at once, and each of them once', async () => {
  const { socket, got } = start();
  socket.receive('a');
  socket.receive('b');
  expect(got).toEqual(['a', 'b']);
  await settle();
  expect(got).toEqual(['a', 'b']);
});

it('keeps bytes back while the socket is paused', async () => {
  const { socket, got } = start();
  socket.pause();
  socket.receive('a');
  socket.receive('b');
  await settle();
  expect([got, socket.readableLength]).toEqual([[], 2]);
  socket.resume();
  await settle();
  expect(got).toEqual(['a', 'b']);
  socket.receive('c');
  expect(got).toEqual(['a', 'b', 'c']);
});

it('lets nothing overtake what waits', async () => {
  const { socket, got } = start();
  socket.pause();
  socket.receive('a');
  socket.resume(); // Flows in the next turn only.
  socket.receive('b');
  await settle();
  expect(got).toEqual(['a', 'b']);
});

it('tells a socket that is full', () => {
  const { socket } = start();
  socket.pause();
  expect(socket.push(Buffer.alloc(1_000_000))).toBe(false);
});

it('puts everything back', async () => {
  const { socket, got, stop } = start();
  stop();
  stop();
  expect(Object.hasOwn(socket, 'push')).toBe(false);
  socket.receive('a');
  await settle();
  expect(got).toEqual(['a']);
});

it('lets the end through', async () => {
  const { socket, got } = start();
  const ended = new Promise((resolve) => socket.once('end', resolve));
  socket.receive('a');
  socket.push(null);
  await ended;
  expect(got).toEqual(['a']);
});
