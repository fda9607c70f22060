import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { SERVER_CORE } from '../harness/measure.ts';
import { type StartedProcess, startScript } from '../harness/processes.ts';
import { runLoad } from '../load/closed-loop.ts';
import type { MemoryFacts } from './server.ts';
import { initializeOf, openGets, openListens, openSessions } from './streams.ts';

export type SessionContender = 'peregrine' | 'sdk-v1' | 'sdk-v2';

/** How much is measured; tests measure little. */
export interface SessionCounts {
  readonly sessions: number;
  readonly streams: number;
  readonly churn: readonly ChurnCounts[];
  /** Before anything is counted, so that code is compiled and tables have grown. */
  readonly warmUp: number;
}

export interface ChurnCounts {
  readonly contender: SessionContender;
  readonly count: number;
  /** Sessions before, which end as well: until then the heap grows by what is compiled. */
  readonly warmUp: number;
  /** How long what is idle has to be swept up. */
  readonly settlingMs: number;
}

/** What each of many costs, in bytes. */
export interface CostRow {
  readonly what: 'session' | 'GET stream' | 'listen stream';
  readonly contender: SessionContender;
  readonly count: number;
  readonly heap: number;
  readonly resident: number;
}

/** What sessions that nobody ends leave behind, in bytes of heap. */
export interface ChurnRow {
  readonly contender: SessionContender;
  readonly count: number;
  readonly perSecond: number;
  readonly before: number;
  readonly atOnce: number;
  /** Once the idle timeout has passed, where there is one. */
  readonly after: number;
}

const START_MS = 30_000;
const CONNECTIONS = 8;
const IDLE_SECONDS = 2;

/** A server in a fresh process. */
class MeasuredServer {
  readonly #process: StartedProcess;
  port = 0;

  constructor(contender: SessionContender, idleSeconds?: number) {
    this.#process = startScript({
      core: SERVER_CORE,
      nodeArguments: ['--expose-gc'],
      script: fileURLToPath(new URL('./server.ts', import.meta.url)),
      scriptArguments: [contender, ...(idleSeconds === undefined ? [] : [String(idleSeconds)])],
    });
  }

  async ready(): Promise<void> {
    ({ port: this.port } = JSON.parse(await this.#process.nextLine(START_MS)) as { port: number });
  }

  async memory(): Promise<MemoryFacts> {
    this.#process.send('memory');
    return JSON.parse(await this.#process.nextLine(START_MS)) as MemoryFacts;
  }

  /** Makes sessions as fast as it can. @returns How many a second. */
  async initialize(count: number): Promise<number> {
    const request = initializeOf(this.port);
    const { requestsPerSecond, errors, errorSamples, aborted } = await runLoad({
      port: this.port,
      connections: CONNECTIONS,
      source: () => request,
      measured: { requests: count },
      stallMs: START_MS,
    });
    if (errors > 0 || aborted !== undefined) throw new Error(`initialize: ${errorSamples[0] ?? aborted}`);
    return requestsPerSecond;
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }
}

async function withServer<T>(
  contender: SessionContender,
  idleSeconds: number | undefined,
  use: (server: MeasuredServer) => Promise<T>,
): Promise<T> {
  const server = new MeasuredServer(contender, idleSeconds);
  try {
    await server.ready();
    return await use(server);
  } finally {
    await server.stop();
  }
}

/** What each of what is opened costs. */
async function costOf(
  server: MeasuredServer,
  what: Pick<CostRow, 'what' | 'contender' | 'count'>,
  open: () => Promise<unknown>,
): Promise<CostRow> {
  const before = await server.memory();
  await open();
  const after = await server.memory();
  return {
    ...what,
    heap: Math.round((after.heap - before.heap) / what.count),
    resident: Math.round((after.resident - before.resident) / what.count),
  };
}

const close = (sockets: readonly Socket[]): void => {
  for (const socket of sockets) socket.removeAllListeners('close').destroy();
};

/** Idle sessions, then a GET stream for some of them. */
export function measureSessions(contender: SessionContender, counts: SessionCounts): Promise<CostRow[]> {
  return withServer(contender, undefined, async (server) => {
    await server.initialize(counts.warmUp);
    const session = await costOf(server, { what: 'session', contender, count: counts.sessions }, () =>
      server.initialize(counts.sessions),
    );
    const ids = await openSessions(server.port, counts.streams + counts.warmUp);
    const opened = await openGets(server.port, ids.slice(counts.streams));
    const stream = await costOf(server, { what: 'GET stream', contender, count: counts.streams }, async () => {
      opened.push(...(await openGets(server.port, ids.slice(0, counts.streams))));
    });
    close(opened);
    return [session, stream];
  });
}

export function measureListens(contender: SessionContender, counts: SessionCounts): Promise<CostRow> {
  return withServer(contender, undefined, async (server) => {
    const opened = await openListens(server.port, counts.warmUp);
    const row = await costOf(server, { what: 'listen stream', contender, count: counts.streams }, async () => {
      opened.push(...(await openListens(server.port, counts.streams)));
    });
    close(opened);
    return row;
  });
}

/** Sessions that never say DELETE. */
export function measureChurn({ contender, count, warmUp, settlingMs }: ChurnCounts): Promise<ChurnRow> {
  const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, settlingMs));
  return withServer(contender, IDLE_SECONDS, async (server) => {
    await server.initialize(warmUp);
    await settled();
    const { heap: before } = await server.memory();
    const perSecond = Math.round(await server.initialize(count));
    const { heap: atOnce } = await server.memory();
    await settled();
    const { heap: after } = await server.memory();
    return { contender, count, perSecond, before, atOnce, after };
  });
}
