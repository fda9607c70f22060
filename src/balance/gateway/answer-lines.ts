import type { BackendLoad } from '../picking/backend.ts';
import type { UpstreamHeaders } from '../upstream/upstream-call.ts';
import { HOP_BY_HOP } from './header-lines.ts';

/** What a client does not get of a backend's header: the gateway says it itself, or it is meant for the gateway. */
const NOT_TO_CLIENTS: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  'date',
  'mcp-session-id',
  'peregrine-load',
  'set-cookie',
]);
const PLAIN_LINES = 'content-type: application/json\r\n';

/** What the gateway makes of the header block of an answer, its length apart. */
export interface AnswerLines {
  /** Header lines for a client, each with its CRLF. */
  readonly lines: string;
  /** Whether they say that it is JSON, and nothing else. */
  readonly isPlain: boolean;
  readonly isEventStream: boolean;
  readonly session: string | undefined;
  /** What the backend tells of itself. */
  readonly load: BackendLoad | undefined;
}

/** HOT: servers repeat their header blocks, so most are found ready; guarded by `npm run bench -- scale`. */
export function answerLinesOf(headers: UpstreamHeaders): AnswerLines {
  headers.memo ??= read(headers);
  return headers.memo as AnswerLines;
}

function read(headers: UpstreamHeaders): AnswerLines {
  let lines = '';
  for (const [name, value] of headers.entries()) {
    if (!NOT_TO_CLIENTS.has(name)) lines += `${name}: ${value}\r\n`;
  }
  return {
    lines,
    isPlain: lines === PLAIN_LINES,
    isEventStream: headers.get('content-type')?.startsWith('text/event-stream') === true,
    session: headers.get('mcp-session-id'),
    load: toLoad(headers.get('peregrine-load')),
  };
}

/** `cpu=0.42, memory=0.31`: shares of what the backend may use. */
function toLoad(text: string | undefined): BackendLoad | undefined {
  const [, cpu, memory] = /^cpu=(\d(?:\.\d+)?), ?memory=(\d(?:\.\d+)?)$/.exec(text ?? '') ?? [];
  return cpu === undefined || memory === undefined ? undefined : { cpu: Number(cpu), memory: Number(memory) };
}
