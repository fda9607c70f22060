import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { Duplex } from 'node:stream';

/** An answer as Node's own client read it. */
export interface NodeAnswer {
  readonly status: number | undefined;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  readonly keepsAlive: boolean;
}

/** The client's end of a connection without a network. */
class Wire extends Duplex {
  override _read(): void {}

  override _write(_chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    done();
  }
}

class WireAgent extends Agent {
  readonly #wire: Wire;

  constructor(wire: Wire) {
    super({ keepAlive: true, maxSockets: 1 });
    this.#wire = wire;
  }

  override createConnection(): Duplex {
    return this.#wire;
  }

  override keepSocketAlive(): boolean {
    return false;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
const TURNS = 20;

/**
 * Lets Node's client read an answer.
 *
 * @param pieces What comes, each after the one before was read.
 * @returns The answer, or nothing where it is refused or not complete.
 */
export async function readByNode(pieces: readonly Buffer[], ends: boolean): Promise<NodeAnswer | undefined> {
  const wire = new Wire();
  const sent = request({ method: 'POST', agent: new WireAgent(wire), maxHeaderSize: 65_536, host: 'x' });
  let answer: NodeAnswer | undefined;
  sent.on('error', () => {});
  sent.on('upgrade', (_response, socket) => socket.destroy());
  sent.on('response', (response) => {
    const chunks: Buffer[] = [];
    response.on('error', () => {});
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('end', () => {
      if (response.complete) answer = toAnswer(response, chunks, sent);
    });
  });
  sent.end();
  await turn();
  for (const piece of pieces) {
    wire.push(piece);
    await turn();
  }
  if (ends) wire.push(null);
  for (let turns = 0; turns < TURNS && answer === undefined && !wire.destroyed; turns++) await turn();
  await turn();
  sent.destroy();
  wire.destroy();
  return answer;
}

function toAnswer(
  response: IncomingMessage,
  chunks: readonly Buffer[],
  { shouldKeepAlive }: ClientRequest,
): NodeAnswer {
  const { rawHeaders, statusCode } = response;
  const fields: [string, string][] = [];
  for (let index = 0; index < rawHeaders.length; index += 2)
    fields.push([(rawHeaders[index] as string).toLowerCase(), rawHeaders[index + 1] as string]);
  return { status: statusCode, fields, body: Buffer.concat(chunks), keepsAlive: shouldKeepAlive };
}
