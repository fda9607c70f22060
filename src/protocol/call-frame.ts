import { isDeepStrictEqual } from 'node:util';
import { isObject, type JsonRpcRequest } from '../wire/wire.ts';

const NUMBER_PART = /[\d.eE]/;
/** More digits than these may not fit a safe integer. */
const MAX_DIGITS = 15;
/** Longest text around both parts that is kept, for as long as its connection lives. */
const MAX_KEPT = 16_384;
const ZERO = 0x30;
const MEMBERS = new Set(['name', 'arguments', '_meta']);

/** Where the two parts of a call's text are that change from call to call: from, and up to but not including. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * The text of a `tools/call` without its id and its arguments. A client writes all else the same each time, envelope
 * included: a text equal to that of a call before, but for these two, is that call with other arguments.
 *
 * HOT: of a text that fits only the arguments are parsed, and nothing about the rest is judged again (decision 0008;
 * guarded by `npm run bench`). Whatever does not fit exactly is parsed whole, so a frame never decides what is valid: it
 * is learnt from a text that was, by replacing both parts and parsing that; JSON's grammar does the rest.
 */
export class CallFrame {
  /** Whether its calls are of the modern era; they have passed that era's checks. */
  readonly isModern: boolean;
  /** The call's params but for the arguments; shared by all calls of the frame, hence frozen. */
  readonly name: string;
  readonly meta: unknown;
  readonly #isIdFirst: boolean;
  readonly #before: string;
  readonly #between: string;
  readonly #after: string;
  /** The id of the text that fitted last, as it is written there. */
  idText = '';
  #argumentsText = '';

  private constructor(text: string, message: JsonRpcRequest, isModern: boolean, id: Span, args: Span) {
    this.isModern = isModern;
    this.#isIdFirst = id.from < args.from;
    const [first, second] = this.#isIdFirst ? [id, args] : [args, id];
    this.#before = copied(text.slice(0, first.from));
    this.#between = copied(text.slice(first.to, second.from));
    this.#after = copied(text.slice(second.to));
    this.name = message.params?.['name'] as string;
    this.meta = deepFreeze(message.params?.['_meta']);
  }

  /** The frame of a call that was parsed from this text, unless it is written in a way that is not followed here. */
  static of(text: string, message: JsonRpcRequest, isModern: boolean): CallFrame | undefined {
    const { id, method, params } = message;
    if (method !== 'tools/call' || typeof id !== 'number' || id < 0 || params === undefined) return undefined;
    if (typeof params['name'] !== 'string' || !isObject(params['arguments'])) return undefined;
    if (!Object.keys(params).every((key) => MEMBERS.has(key))) return undefined;
    const idSpan = spanOf(text, 'id', String(id));
    const argsSpan = spanOf(text, 'arguments', JSON.stringify(params['arguments']));
    if (idSpan === undefined || argsSpan === undefined) return undefined;
    if (NUMBER_PART.test(text.charAt(idSpan.to))) return undefined; // The id is written in another way, such as 10e-1.
    const areApart = idSpan.to <= argsSpan.from || argsSpan.to <= idSpan.from;
    if (text.length - (argsSpan.to - argsSpan.from) > MAX_KEPT) return undefined;
    if (!areApart || !areStructural(text, message, idSpan, argsSpan)) return undefined;
    return new CallFrame(text, message, isModern, idSpan, argsSpan);
  }

  /** Whether a text fits; if so, its id can be read and its arguments taken. */
  fits(text: string): boolean {
    const [before, between, after] = [this.#before, this.#between, this.#after];
    const end = text.length - after.length;
    const start = before.length;
    if (end <= start || text.slice(0, start) !== before || text.slice(end) !== after) return false;
    return this.#isIdFirst ? this.#readIdFirst(text, start, end, between) : this.#readIdLast(text, start, end, between);
  }

  /** The arguments of the text that fitted last; not kept, since a part of a text keeps all of it in memory. */
  takeArguments(): string {
    const text = this.#argumentsText;
    this.#argumentsText = '';
    return text;
  }

  #readIdFirst(text: string, start: number, end: number, between: string): boolean {
    let at = start;
    while (at < end && isDigit(text.charCodeAt(at))) at++;
    const from = at + between.length;
    if (from >= end || text.slice(at, from) !== between) return false;
    this.#argumentsText = text.slice(from, end);
    return this.#readId(text.slice(start, at));
  }

  #readIdLast(text: string, start: number, end: number, between: string): boolean {
    let at = end;
    while (at > start && isDigit(text.charCodeAt(at - 1))) at--;
    const to = at - between.length;
    if (to <= start || text.slice(to, at) !== between) return false;
    this.#argumentsText = text.slice(start, to);
    return this.#readId(text.slice(at, end));
  }

  /** JSON knows no leading zeros, and no number without digits. */
  #readId(digits: string): boolean {
    const { length } = digits;
    if (length === 0 || length > MAX_DIGITS || (length > 1 && digits.charCodeAt(0) === ZERO)) {
      this.#argumentsText = '';
      return false;
    }
    this.idText = digits;
    return true;
  }
}

/** A text of its own: a slice keeps the whole that it was cut from in memory. */
function copied(slice: string): string {
  return JSON.parse(JSON.stringify(slice)) as string;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= 0x39;
}

/** Where the value of a member stands, if the text has it exactly once as JSON.stringify would write it. */
function spanOf(text: string, key: string, value: string): Span | undefined {
  const member = `"${key}":${value}`;
  const at = text.indexOf(member);
  if (at === -1 || text.indexOf(member, at + 1) !== -1) return undefined;
  return { from: at + member.length - value.length, to: at + member.length };
}

/** Whether the spans are what the id and the arguments were parsed from: other values there change these, and nothing else. */
function areStructural(text: string, message: JsonRpcRequest, id: Span, args: Span): boolean {
  const otherId = message.id === 7 ? 8 : 7;
  const otherArguments = { probe: otherId };
  const replaced = [
    { ...id, by: String(otherId) },
    { ...args, by: JSON.stringify(otherArguments) },
  ].sort((a, b) => b.from - a.from);
  const probe = replaced.reduce((all, { from, to, by }) => all.slice(0, from) + by + all.slice(to), text);
  try {
    const expected = { ...message, id: otherId, params: { ...message.params, arguments: otherArguments } };
    return isDeepStrictEqual(JSON.parse(probe), expected);
  } catch {
    return false;
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) deepFreeze(member);
    Object.freeze(value);
  }
  return value;
}

/** The params of a {@link FramedCall}. */
class FramedParams {
  readonly name: string;
  readonly arguments: Record<string, unknown>;
  declare readonly _meta?: unknown;

  constructor({ name, meta }: CallFrame, args: Record<string, unknown>) {
    this.name = name;
    this.arguments = args;
    if (meta !== undefined) this._meta = meta;
  }
}

/**
 * A call as its frame has it. HOT: made by constructors, since V8 may come to place what a literal makes among old objects,
 * from where it keeps all that it refers to alive (decision 0008); guarded by `npm run bench`.
 */
export class FramedCall implements JsonRpcRequest {
  readonly jsonrpc = '2.0';
  readonly method = 'tools/call';
  readonly params: Record<string, unknown>;
  readonly idText: string;

  constructor(frame: CallFrame, args: Record<string, unknown>) {
    this.idText = frame.idText;
    this.params = new FramedParams(frame, args) as unknown as Record<string, unknown>;
  }

  /** Few handlers ask for it, and the answer has it as text. */
  get id(): number {
    return Number(this.idText);
  }
}

/** What is remembered of the calls under one header block, for as long as its connection repeats that block. */
export class CallMemo {
  #frame: CallFrame | undefined;
  #others = 0;

  /** The frame that a text fits, if it does. */
  match(text: string): CallFrame | undefined {
    const frame = this.#frame;
    return frame?.fits(text) ? frame : undefined;
  }

  /** A call was parsed whole and passed all checks. It is learnt from, less and less often where calls keep differing. */
  learn(text: string, message: JsonRpcRequest, isModern: boolean): void {
    const others = this.#others++;
    if (others === 0 || (others & (others - 1)) !== 0) return; // The first block of a connection may be its only one.
    this.#frame = CallFrame.of(text, message, isModern) ?? this.#frame;
  }
}
