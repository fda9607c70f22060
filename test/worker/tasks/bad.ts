/** Tasks that misbehave. */
import { connect } from 'node:net';

class TeapotError extends Error {
  readonly code = 'TEAPOT';
}

export function throwOwn(): never {
  throw new TeapotError('short and stout', { cause: new RangeError('the spout') });
}

export function throwRuntime(): unknown {
  return (undefined as unknown as { x: unknown }).x;
}

export function throwString(): never {
  // biome-ignore lint/style/useThrowOnlyError: what authors may do
  throw 'just text';
}

export function exit(code: number): never {
  process.exit(code);
}

/** Throws where nobody catches it, while the task waits. */
export function throwLater(): Promise<never> {
  setImmediate(() => {
    throw new TeapotError('nobody caught it');
  });
  return new Promise(() => {});
}

/** Never ends, from when it has connected to a port: its socket closes when it was really ended. */
export function spin(port: number): Promise<never> {
  const socket = connect(port, '127.0.0.1', () => {
    for (;;);
  });
  socket.on('error', () => {});
  return new Promise(() => {});
}

export function hang(): Promise<never> {
  return new Promise(() => {});
}

export function bomb(): never {
  const kept: unknown[] = [];
  for (;;) kept.push(Array.from({ length: 1_000 }, Math.random));
}

export function killOneself(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
}

export function answerFunction(): unknown {
  return { f: () => 1 };
}

export function leave(): Promise<never> {
  process.disconnect?.();
  return new Promise(() => {});
}
