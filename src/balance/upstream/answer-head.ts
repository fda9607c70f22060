import type { UpstreamHeaders } from './upstream-call.ts';

/** How the end of a body is found. */
export type Framing = 'none' | 'length' | 'chunked' | 'close';

/** A parsed header block. Blocks that differ in the length alone share one: it keeps no state of its answer. */
export interface AnswerHead {
  readonly status: number;
  readonly framing: Framing;
  /** As it stood in the block that was parsed; -1 without one. */
  readonly contentLength: number;
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Whether the server keeps the connection open. */
  readonly keepAlive: boolean;
  /** How long, as it announces; `Infinity` where it does not. */
  readonly keepAliveMs: number;
  memo: unknown;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const NAME = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;
const NOT_IN_VALUES = /[^\t\x20-\x7e\x80-\xff]/;
const BLANKS = /^[\t ]+|[\t ]+$/g;
const LENGTH = /^\d{1,15}$/;
const KEEP_ALIVE_TIMEOUT = /(?:^|[,; ])timeout=(\d{1,6})(?:$|[,; ])/i;
const MAX_FIELDS = 1_000;
/** What decides where an answer ends must not be said twice, or after it. */
const FRAMING_FIELDS = new Set(['content-length', 'transfer-encoding']);

/**
 * Parses the header block of an answer: all from the status line up to, not including, the empty line.
 *
 * Strict, for two readers of one connection that differ in where an answer ends are a hole: a length beside a transfer
 * coding, a second one, any coding but a single `chunked`, folded lines and stray control characters are refused.
 *
 * @returns The head, or in words what is wrong with it.
 */
export function parseAnswerHead(text: string): AnswerHead | string {
  const lines = text.split('\r\n');
  const line = STATUS_LINE.exec(lines[0] as string);
  if (line === null) return 'no status line';
  const merged = parseFields(lines, 1);
  if (typeof merged === 'string') return merged;
  const status = Number(line[2]);
  const length = merged.get('content-length');
  const coding = merged.get('transfer-encoding')?.toLowerCase();
  if (length !== undefined && !LENGTH.test(length)) return 'a length that is none';
  if (coding !== undefined && (coding !== 'chunked' || length !== undefined || line[1] === '0'))
    return 'a transfer coding that cannot be relied on';
  const framing = framingOf(status, coding, length);
  return {
    status,
    framing,
    contentLength: length === undefined ? -1 : Number(length),
    fields: [...merged].flatMap(([name, value]) => separate(name, value)),
    keepAlive: isKept(line[1] === '1', merged.get('connection')) && framing !== 'close' && !isOdd(status, merged),
    keepAliveMs: Number(KEEP_ALIVE_TIMEOUT.exec(merged.get('keep-alive') ?? '')?.[1] ?? Infinity) * 1_000,
    memo: undefined,
  };
}

/** Whether the lines of a trailer are well-formed and say nothing of the answer's end; in words what is wrong. */
export function checkTrailer(text: string): string | undefined {
  const fields = parseFields(text.split('\r\n'), 0);
  if (typeof fields === 'string') return fields;
  return fields.keys().some((name) => FRAMING_FIELDS.has(name)) ? 'a length after the body' : undefined;
}

/** Fields by their lower-case names; `set-cookie`, whose values hold commas, is joined by line breaks, which none holds. */
function parseFields(lines: readonly string[], from: number): Map<string, string> | string {
  if (lines.length > MAX_FIELDS) return 'too many header fields';
  const merged = new Map<string, string>();
  for (let index = from; index < lines.length; index++) {
    const line = lines[index] as string;
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    if (!NAME.test(name) || NOT_IN_VALUES.test(line)) return 'a malformed header field';
    const value = line.slice(colon + 1).replace(BLANKS, '');
    const before = merged.get(name);
    if (before !== undefined && FRAMING_FIELDS.has(name)) return `${name} twice`;
    const joint = name === 'set-cookie' ? '\n' : ', ';
    merged.set(name, before === undefined ? value : `${before}${joint}${value}`);
  }
  return merged;
}

function separate(name: string, value: string): (readonly [string, string])[] {
  return name === 'set-cookie' ? value.split('\n').map((one) => [name, one] as const) : [[name, value]];
}

function framingOf(status: number, coding: string | undefined, length: string | undefined): Framing {
  if (status < 200 || status === 204 || status === 304) return 'none';
  if (coding !== undefined) return 'chunked';
  return length === undefined ? 'close' : 'length';
}

/** An answer without a body that announces one: whether it follows is anybody's guess. */
function isOdd(status: number, fields: ReadonlyMap<string, string>): boolean {
  if (status !== 204 && status !== 304) return false;
  return fields.has('transfer-encoding') || (status === 204 && Number(fields.get('content-length') ?? 0) !== 0);
}

function isKept(byDefault: boolean, connection: string | undefined): boolean {
  if (connection === undefined) return byDefault;
  const options = connection.split(',').map((option) => option.replace(BLANKS, '').toLowerCase());
  return !options.includes('close') && (byDefault || options.includes('keep-alive'));
}

/** The header fields of one answer. */
export class AnswerHeaders implements UpstreamHeaders {
  readonly #head: AnswerHead;
  readonly #length: number;

  /** @param length The answer's own content length, which a shared head does not know; -1 without one. */
  constructor(head: AnswerHead, length: number) {
    this.#head = head;
    this.#length = length;
  }

  get memo(): unknown {
    return this.#head.memo;
  }

  set memo(value: unknown) {
    this.#head.memo = value;
  }

  get(name: string): string | undefined {
    if (name === 'content-length') return this.#length < 0 ? undefined : String(this.#length);
    let found: string | undefined;
    for (const [known, value] of this.#head.fields)
      if (known === name) found = found === undefined ? value : `${found}, ${value}`;
    return found;
  }

  *entries(): Iterable<readonly [name: string, value: string]> {
    for (const field of this.#head.fields)
      yield field[0] === 'content-length' ? (['content-length', String(this.#length)] as const) : field;
  }
}
