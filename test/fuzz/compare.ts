import { parseResponses } from '../transport/response-parser.ts';
import { PATH, type Probe, type RawRequest } from './memory-endpoint.ts';
import { type HeadFields, type Recorder, type RequestRecord, recordIdsIn } from './recorder.ts';
import type { Feed, Outcome, Runner } from './runner.ts';

/** One input of the search. */
export interface FuzzInput {
  readonly bytes: Buffer;
  /** Where the input is cut into the pieces that arrive; ascending, within the input. */
  readonly cuts: readonly number[];
  /** See `ConnectionManner`. */
  readonly delays: readonly number[];
  readonly slowReader: boolean;
  readonly anyHost: boolean;
}

/** What a client sees of one input, and what the server did for it. */
export interface Summary {
  /** The responses, each with the requests that it answers in place of their numbers. */
  readonly answers: readonly Answer[];
  /** Requests that the server took and whose answer the client never got. */
  readonly unanswered: readonly RequestRecord[];
  readonly closedFirst: boolean;
}

interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly framing: string;
  readonly requests: readonly RequestRecord[];
  readonly text: string;
  readonly complete: boolean;
}

export function summarise({ probe, closedFirst }: Outcome): Summary {
  return { ...summariseText(probe.socket.text, probe.recorder), closedFirst };
}

/** The same of what a server sent on one connection. */
export function summariseText(text: string, { records }: Recorder): Omit<Summary, 'closedFirst'> {
  const answered = new Set<number>();
  const answers = parseResponses(text).map((response): Answer => {
    const { status, headers, body, complete } = response;
    const ids = recordIdsIn(`${headers['x-record'] ?? ''}${body}`);
    for (const id of ids) answered.add(id);
    const requests = ids.map((id) => records[id] as RequestRecord);
    const framing = headers['transfer-encoding'] ?? (headers['content-length'] === undefined ? 'close' : 'length');
    const plain = body.replaceAll(/\{"record":\d+\}/g, '*').replace(/ {1000,}$/, (blanks) => String(blanks.length));
    return { status, type: headers['content-type'], framing, requests, text: plain, complete };
  });
  return { answers, unanswered: records.filter((_, id) => !answered.has(id)) };
}

/** A difference between the lane and `node:http`. */
export interface Difference {
  readonly why: string;
  readonly lane: Summary;
  readonly node: Summary;
}

/** The two sides of one input and what tells them apart, if anything. */
export interface Verdict {
  readonly difference: Difference | undefined;
  /** Requests that the lane read itself, and whether it gave the connection away. */
  readonly laneRequests: number;
  readonly handedOver: boolean;
  /** Responses by status. */
  readonly statuses: readonly number[];
}

/**
 * Runs inputs through the endpoint with the lane and without it, and compares.
 *
 * `node:http` reads ahead: a request that follows a broken one in the same piece may be dropped unanswered or not,
 * depending on where the pieces end. Where the two sides differ, `node:http` therefore gets the same bytes once more in
 * the pieces in which the lane used them, each request after the answer to the one before; then nothing may differ.
 */
export async function compareAll(runner: Runner, inputs: readonly FuzzInput[]): Promise<Verdict[]> {
  const feeds = inputs.flatMap((input) => [feedOf(input, true), feedOf(input, false)]);
  const outcomes = await runner.run(feeds);
  const again: { index: number; feed: Feed }[] = [];
  const verdicts = inputs.map((input, index) => {
    const lane = outcomes[index * 2] as Outcome;
    const difference = differenceOf(input, lane, outcomes[index * 2 + 1] as Outcome);
    if (difference !== undefined) again.push({ index, feed: alignedFeed(input, lane) });
    return verdictOf(lane, difference);
  });
  const aligned = await runner.run(again.map(({ feed }) => feed));
  for (const [at, { index }] of again.entries()) {
    const lane = outcomes[index * 2] as Outcome;
    verdicts[index] = verdictOf(lane, differenceOf(inputs[index] as FuzzInput, lane, aligned[at] as Outcome));
  }
  return verdicts;
}

function verdictOf(lane: Outcome, difference: Difference | undefined): Verdict {
  return {
    difference,
    laneRequests: lane.probe.recorder.laneRequests,
    handedOver: lane.probe.handedOverBytes !== undefined,
    statuses: summarise(lane).answers.map(({ status }) => status),
  };
}

function feedOf({ bytes, cuts, ...manner }: FuzzInput, lane: boolean): Feed {
  return { ...manner, lane, pieces: pieces(bytes, cuts), barriers: new Set() };
}

function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const edges = [...new Set([0, ...cuts, bytes.length])].sort((a, b) => a - b);
  return edges.slice(1).map((edge, at) => bytes.subarray(edges[at], edge));
}

/** Where each request that the lane read ends; they are the first ones of an input. */
export function laneEnds(bytes: Buffer, { recorder }: Probe): number[] {
  const ends: number[] = [];
  let at = 0;
  for (let count = recorder.laneRequests; count > 0; count--) {
    const bodyStart = bytes.indexOf('\r\n\r\n', at, 'latin1') + 4;
    const length = /\r\ncontent-length:[ \t]*(\d+)/i.exec(bytes.toString('latin1', at, bodyStart))?.[1];
    at = Math.min(bytes.length, bodyStart + Number(length ?? 0));
    ends.push(at);
  }
  return ends;
}

/** The same bytes for `node:http` alone, in the pieces in which the lane used them. */
function alignedFeed({ bytes, cuts, ...manner }: FuzzInput, { probe }: Outcome): Feed {
  const ends = laneEnds(bytes, probe);
  const handedOver = (ends.at(-1) ?? 0) + (probe.handedOverBytes ?? 0);
  const edges = [...ends, handedOver, ...cuts.filter((cut) => cut > handedOver)];
  const all = pieces(bytes, edges);
  const barriers = new Set<number>();
  let offset = 0;
  for (const [index, piece] of all.entries()) {
    if (ends.includes(offset)) barriers.add(index);
    offset += piece.length;
  }
  return { ...manner, lane: false, pieces: all, barriers };
}

/**
 * Whether a client sees the same, but for what cannot be the same:
 *
 * - Node judges a header block as it comes, the lane when all of it is there: of one that breaks off, the lane knows no
 *   more than that.
 * - `node:http` destroys a socket after its own 400 and once a last answer is written. While a client does not read, it
 *   depends on that client's pace what else of the connection comes through, so then the lane's own part counts.
 */
function alike({ probe }: Outcome, slowReader: boolean, lane: Summary, node: Summary): boolean {
  const brokenOff = probe.handedOverBytes === undefined && lane.answers.at(-1)?.status === 400;
  if (brokenOff && !isParserError(node.answers.at(-1))) return slowReader && sameStart(probe, lane, node);
  const adjusted = brokenOff
    ? { ...lane, closedFirst: node.closedFirst, answers: [...lane.answers.slice(0, -1), node.answers.at(-1)] }
    : lane;
  if (JSON.stringify(adjusted) === JSON.stringify(node)) return true;
  return slowReader && node.closedFirst && sameStart(probe, lane, node);
}

/** Whether the answers of the lane itself are the first ones of `node:http`; the last of them may be lost or cut. */
function sameStart({ recorder }: Probe, lane: Summary, node: Summary): boolean {
  const own = lane.answers.slice(0, recorder.laneRequests).filter(({ complete }) => complete);
  const count = Math.min(own.length, node.answers.length);
  return JSON.stringify(own.slice(0, count)) === JSON.stringify(node.answers.slice(0, count));
}

/** What `node:http` answers, on its way out, to bytes that are not a request. */
function isParserError(answer: Answer | undefined): boolean {
  return answer !== undefined && answer.framing === 'close' && (answer.status === 400 || answer.status === 431);
}

function differenceOf({ slowReader }: FuzzInput, laneOutcome: Outcome, nodeOutcome: Outcome): Difference | undefined {
  const lane = summarise(laneOutcome);
  const node = summarise(nodeOutcome);
  if (!alike(laneOutcome, slowReader, lane, node)) return { why: 'the endpoints answer differently', lane, node };
  const { laneRequests, records } = laneOutcome.probe.recorder;
  for (let index = 0; index < laneRequests; index++) {
    const raw = nodeOutcome.probe.rawRequests[index];
    const fault = raw === undefined ? 'no such request' : faultOf(records[index] as RequestRecord, raw);
    if (fault !== undefined)
      return { why: `request ${index} of the lane is not that of node:http: ${fault}`, lane, node };
  }
  return undefined;
}

const FIELD_NAMES: { readonly [K in Exclude<keyof HeadFields, 'params'>]: string } = {
  accept: 'accept',
  authorization: 'authorization',
  protocolVersion: 'mcp-protocol-version',
  mcpMethod: 'mcp-method',
  mcpName: 'mcp-name',
  sessionId: 'mcp-session-id',
  lastEventId: 'last-event-id',
};

/** What tells a request of the lane from what Node's parser read, the code of this project left out. */
function faultOf({ fields, all, method }: RequestRecord, raw: RawRequest): string | undefined {
  if (raw.method !== method || raw.url !== PATH) return `${raw.method} ${raw.url}`;
  const headers = new Headers();
  const seen = new Map<string, string[]>();
  for (let at = 0; at < raw.rawHeaders.length; at += 2) {
    const name = (raw.rawHeaders[at] as string).toLowerCase();
    const value = raw.rawHeaders[at + 1] as string;
    headers.append(name, value);
    seen.set(name, [...(seen.get(name) ?? []), value]);
  }
  for (const [key, name] of Object.entries(FIELD_NAMES) as [keyof typeof FIELD_NAMES, string][]) {
    const values = seen.get(name) ?? [];
    if (values.length > 1 || fields[key] !== (values[0] ?? null)) return `${name} is ${JSON.stringify(values)}`;
  }
  const params = [...seen].filter(([name]) => name.startsWith('mcp-param-'));
  const expected = params.map(([name, values]) => [name.slice('mcp-param-'.length), values.join()]);
  expected.sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1));
  if (JSON.stringify(expected) !== JSON.stringify(fields.params)) return `parameters are ${JSON.stringify(expected)}`;
  const rawAll = JSON.stringify([...headers]);
  return rawAll === JSON.stringify(all) ? undefined : `all fields are ${rawAll}`;
}
