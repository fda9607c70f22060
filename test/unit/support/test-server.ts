import { createOptimizedServer, OptimizedMCPServer } from '../../../src/server.ts';
import type { FaultEvent } from '../../../src/signal/signal.ts';

type ServerConfig = ConstructorParameters<typeof OptimizedMCPServer>[0];

export class TestServer extends OptimizedMCPServer {}

export const IDENTITY = Object.freeze({ name: 'unit', version: '1.2.3', description: 'A server under test' });

/** On a machine that is busy with other tests a server would refuse what a test asks of it, for it is late. */
const PATIENT = Object.freeze({ targetMs: 10_000, windowMs: 10_000 });

/** A server with what a test registers. */
export function serverWith(
  register: (server: TestServer) => void = () => {},
  config: Partial<ServerConfig> = {},
): TestServer {
  const overload = config.clock === undefined ? PATIENT : {};
  const server = createOptimizedServer(TestServer, { ...IDENTITY, overload, ...config });
  register(server);
  return server;
}

/** The faults that a server reports from now on. */
export function faultsOf(server: OptimizedMCPServer): FaultEvent[] {
  const faults: FaultEvent[] = [];
  server.on('fault', (fault) => faults.push(fault));
  return faults;
}

/** A tool's answer that holds one text. */
export function text(value: unknown): { content: { type: 'text'; text: string }[] } {
  return { content: [{ type: 'text', text: typeof value === 'string' ? value : JSON.stringify(value) }] };
}

/** A promise together with what settles it. */
export interface Gate<T = void> {
  readonly opened: Promise<T>;
  open(value: T): void;
}

export function gate<T = void>(): Gate<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  return { opened: promise, open: resolve };
}

/** Lets everything run that is ready to run: several turns of the event loop. */
export async function settle(turns = 5): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}
