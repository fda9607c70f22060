import type { Acceptor, Exchange, MessageConnection, RequestHead } from '../../src/transport/exchange.ts';
import { LaneHead } from '../../src/transport/http/lane-head.ts';

/** One request as the server behind the transport saw it. */
export interface RequestRecord {
  readonly method: string;
  readonly body: string;
  readonly fields: HeadFields;
  /** All fields as `[name, value]` pairs, or the error of asking for them. */
  readonly all: readonly (readonly [string, string])[] | string;
}

/** What {@link RequestHead} exposes, as data; `null` for what is absent. */
export interface HeadFields {
  readonly accept: string | null;
  readonly authorization: string | null;
  readonly protocolVersion: string | null;
  readonly mcpMethod: string | null;
  readonly mcpName: string | null;
  readonly sessionId: string | null;
  readonly lastEventId: string | null;
  readonly params: readonly (readonly [string, string])[];
}

function fieldsOf(head: RequestHead): HeadFields {
  return {
    accept: head.accept ?? null,
    authorization: head.authorization ?? null,
    protocolVersion: head.protocolVersion ?? null,
    mcpMethod: head.mcpMethod ?? null,
    mcpName: head.mcpName ?? null,
    sessionId: head.sessionId ?? null,
    lastEventId: head.lastEventId ?? null,
    params: [...(head.params ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)),
  };
}

function allOf(head: RequestHead): RequestRecord['all'] {
  try {
    return [...head.all()];
  } catch (error) {
    return String(error);
  }
}

/** Runs something some turns of the loop later. */
export type Later = (turns: number, run: () => void) => void;

/**
 * The server behind one connection: it records each request and answers with the record's number.
 *
 * The shape of an answer (one piece, two, a stream, none) and its delay follow from the request alone, so that two
 * servers that see the same requests answer the same.
 */
export class Recorder implements Acceptor {
  readonly records: RequestRecord[] = [];
  /** How many requests the lane read itself; they are the first ones of a connection. */
  laneRequests = 0;
  /** Requests whose answer is still to come. */
  waiting = 0;
  readonly #delays: readonly number[];
  readonly #later: Later;
  readonly #padding: string;

  /** @param paddingBytes How much longer the plain answers are. */
  constructor(delays: readonly number[], later: Later, paddingBytes = 0) {
    this.#delays = delays;
    this.#later = later;
    this.#padding = ' '.repeat(paddingBytes);
  }

  post(exchange: Exchange, body: string): void {
    if (exchange.head instanceof LaneHead) this.laneRequests++;
    this.#record(exchange, 'POST', body);
  }

  other(exchange: Exchange, method: string): void {
    this.#record(exchange, method, '');
  }

  connect(): MessageConnection {
    throw new Error('not used here');
  }

  #record(exchange: Exchange, method: string, body: string): void {
    const head = exchange.head as RequestHead;
    const id = this.records.length;
    this.records.push({ method, body, fields: fieldsOf(head), all: allOf(head) });
    const delay = this.#delays[id % this.#delays.length] ?? 0;
    if (delay === 0) {
      answer(exchange, mark(id), method, body, this.#padding);
      return;
    }
    this.waiting++;
    this.#later(delay, () => {
      this.waiting--;
      answer(exchange, mark(id), method, body, this.#padding);
    });
  }
}

/** The text that stands for the record in an answer; see {@link recordIdsIn}. */
const mark = (id: number): string => `{"record":${id}}`;

/** The numbers of the records that an answer's body carries. */
export function recordIdsIn(body: string): number[] {
  return [...new Set(Array.from(body.matchAll(/\{"record":(\d+)\}/g), ([, id]) => Number(id)))];
}

const encoder = new TextEncoder();

function answer(exchange: Exchange, text: string, method: string, body: string, padding: string): void {
  const extra = [['X-Record', text]] as const;
  if (method !== 'POST') {
    exchange.respond(405, '', undefined, extra);
    return;
  }
  switch (body.length % 8) {
    case 1:
      exchange.respond(202, '', undefined, extra);
      return;
    case 2:
      exchange.notify('{"progress":1}');
      exchange.notify('{"progress":"\u00e9\u20ac"}');
      exchange.respond(200, text);
      return;
    case 3:
      exchange.respond(200, '[', encoder.encode(`${text},"\u00e9"]`), extra);
      return;
    case 4:
      exchange.notify('{}');
      exchange.respond(200, '[', encoder.encode(`${text}]`));
      return;
    case 5:
      exchange.respond(200, text + padding);
      return;
    default:
      exchange.respond(200, text + padding, undefined, extra);
  }
}
