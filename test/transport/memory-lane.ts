import { FakeClock } from '../../src/testing/testing.ts';
import type { Acceptor } from '../../src/transport/exchange.ts';
import { resolveHttpOptions } from '../../src/transport/http/http-options.ts';
import { LaneConnection, type LaneShared } from '../../src/transport/http/lane.ts';
import { OriginGuard } from '../../src/transport/http/origin-guard.ts';
import { resolveTransportLimits, type TransportLimits } from '../../src/transport/limits.ts';
import { MemorySocket, type MemorySocketOptions } from './memory-socket.ts';

const COMMON_HEADERS = 'Connection: keep-alive\r\n';

/** One connection on the lane without a network, and what came of it. */
export interface MemoryLane {
  readonly socket: MemorySocket;
  readonly connection: LaneConnection;
  readonly shared: LaneShared;
  /** What the lane gave away, as Latin-1; nothing while it keeps the connection. */
  handedOver: string | undefined;
  /** How often the lane has said that it is done with the connection. */
  ends: number;
}

export function openLane(
  acceptor: Acceptor,
  options: { limits?: Partial<TransportLimits>; socket?: MemorySocketOptions } = {},
): MemoryLane {
  const socket = new MemorySocket(options.socket);
  const shared: LaneShared = {
    acceptor,
    clock: new FakeClock(),
    limits: resolveTransportLimits(options.limits),
    guard: new OriginGuard(resolveHttpOptions({})),
    requestLines: ['POST /mcp HTTP/1.1\r\n'],
    commonHeaders: COMMON_HEADERS,
    okHead: `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n${COMMON_HEADERS}Content-Length: `,
    lastCommonHeaders: 'Connection: close\r\n',
    lastOkHead: 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ',
    tick: 0,
    draining: false,
    idleLimitMs: resolveTransportLimits(options.limits).idleTimeoutMs,
    handOver: (_socket, bytes) => {
      lane.handedOver = bytes.toString('latin1');
    },
  };
  const connection = new LaneConnection(socket, shared, { endsAt: Number.POSITIVE_INFINITY }, () => {
    lane.ends++;
  });
  const lane: MemoryLane = { socket, connection, shared, handedOver: undefined, ends: 0 };
  return lane;
}

/** Lets everything that is under way in streams happen. */
export async function settle(turns = 5): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => void setImmediate(resolve));
}
