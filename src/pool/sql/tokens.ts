/** The SQL that a database speaks, as far as finding placeholders needs it. */
export type Dialect = 'sqlite' | 'postgres' | 'mysql';

const QUESTION = 0x3f;
const SINGLE = 0x27;
const DOUBLE = 0x22;
const BACKTICK = 0x60;
const DASH = 0x2d;
const SLASH = 0x2f;
const STAR = 0x2a;
const HASH = 0x23;
const DOLLAR = 0x24;
const BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const SEMICOLON = 0x3b;

/** What a scan tells of the text outside strings, quoted names and comments. */
export interface TokenVisitor {
  /** A single `?`. */
  placeholder(at: number): void;
  /** `??`, at its first character. */
  escaped(at: number): void;
  /** A word, such as a keyword or a bare name. */
  word(start: number, end: number): void;
  semicolon(at: number): void;
  /** Any other character, a string or a quoted name. Not called for white space and comments. */
  other(at: number): void;
}

/** Walks through a statement and tells what matters of it. Text that ends inside a string or a comment just ends. */
export function scan(sql: string, dialect: Dialect, visitor: TokenVisitor): void {
  let at = 0;
  while (at < sql.length) {
    const code = sql.charCodeAt(at);
    const skipped = skipComment(sql, at, code, dialect);
    if (skipped !== at) {
      at = skipped;
    } else if (isSpace(code)) {
      at++;
    } else if (isWordStart(code)) {
      const end = wordEnd(sql, at);
      const isEscapeString = dialect === 'postgres' && end === at + 1 && (code | 0x20) === 0x65;
      if (isEscapeString && sql.charCodeAt(end) === SINGLE) {
        visitor.other(at);
        at = quotedEnd(sql, end, SINGLE, true);
      } else {
        visitor.word(at, end);
        at = end;
      }
    } else if (code === QUESTION) {
      const isEscaped = sql.charCodeAt(at + 1) === QUESTION;
      if (isEscaped) visitor.escaped(at);
      else visitor.placeholder(at);
      at += isEscaped ? 2 : 1;
    } else {
      if (code === SEMICOLON) visitor.semicolon(at);
      else visitor.other(at);
      at = quoteEnd(sql, at, code, dialect);
    }
  }
}

/** The end of a comment that starts here, or the same place. */
function skipComment(sql: string, at: number, code: number, dialect: Dialect): number {
  const next = sql.charCodeAt(at + 1);
  if (code === HASH && dialect === 'mysql') return lineEnd(sql, at);
  if (code === DASH && next === DASH) {
    // MySQL wants white space after the dashes: `1--1` is a sum there.
    const isComment = dialect !== 'mysql' || at + 2 >= sql.length || sql.charCodeAt(at + 2) <= 0x20;
    return isComment ? lineEnd(sql, at) : at;
  }
  if (code !== SLASH || next !== STAR) return at;
  if (dialect !== 'mysql') return blockEnd(sql, at, dialect === 'postgres');
  // What `/*! ... */` and MariaDB's `/*M! ... */` hold is run, so it is read as statement text.
  if (sql[at + 2] === '!') return at + 3;
  return sql.startsWith('M!', at + 2) ? at + 4 : blockEnd(sql, at, false);
}

function lineEnd(sql: string, at: number): number {
  const end = sql.indexOf('\n', at);
  return end < 0 ? sql.length : end + 1;
}

function blockEnd(sql: string, start: number, nests: boolean): number {
  let depth = 1;
  for (let at = start + 2; at < sql.length; ) {
    if (sql.startsWith('*/', at)) {
      depth--;
      at += 2;
      if (depth === 0) return at;
    } else if (nests && sql.startsWith('/*', at)) {
      depth++;
      at += 2;
    } else {
      at++;
    }
  }
  return sql.length;
}

/** The end of what is quoted from here, or the next character. */
function quoteEnd(sql: string, at: number, code: number, dialect: Dialect): number {
  if (code === SINGLE) return quotedEnd(sql, at, SINGLE, dialect === 'mysql');
  if (code === DOUBLE) return quotedEnd(sql, at, DOUBLE, dialect === 'mysql');
  if (code === BACKTICK && dialect !== 'postgres') return quotedEnd(sql, at, BACKTICK, false);
  if (code === BRACKET && dialect === 'sqlite') {
    const end = sql.indexOf(']', at + 1);
    return end < 0 ? sql.length : end + 1;
  }
  if (code === DOLLAR && dialect === 'postgres') return dollarQuoteEnd(sql, at);
  return at + 1;
}

function quotedEnd(sql: string, start: number, quote: number, hasBackslashes: boolean): number {
  for (let at = start + 1; at < sql.length; at++) {
    const code = sql.charCodeAt(at);
    if (code === BACKSLASH && hasBackslashes) at++;
    else if (code === quote) {
      if (sql.charCodeAt(at + 1) !== quote) return at + 1;
      at++;
    }
  }
  return sql.length;
}

const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;

function dollarQuoteEnd(sql: string, at: number): number {
  DOLLAR_TAG.lastIndex = at;
  const tag = DOLLAR_TAG.exec(sql)?.[0];
  if (tag === undefined) return at + 1;
  const end = sql.indexOf(tag, at + tag.length);
  return end < 0 ? sql.length : end + tag.length;
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

/** Whether a character can begin a bare name. */
export function isWordStart(code: number): boolean {
  const lower = code | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || code === 0x5f || code >= 0x80;
}

/** Whether a character can go on a bare name or number; a `$` can, after the first character. */
export function isWordPart(code: number): boolean {
  return isWordStart(code) || (code >= 0x30 && code <= 0x39) || code === DOLLAR;
}

function wordEnd(sql: string, start: number): number {
  let end = start + 1;
  while (end < sql.length && isWordPart(sql.charCodeAt(end))) end++;
  return end;
}
