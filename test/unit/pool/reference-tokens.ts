import type { Dialect } from '../../../src/pool/sql/tokens.ts';

/** What one piece of a statement is to the placeholders. */
export interface Token {
  readonly kind: 'skipped' | 'quoted' | 'word' | 'placeholder' | 'escaped' | 'semicolon' | 'other';
  readonly text: string;
  readonly at: number;
}

const DOUBLED = (quote: string): string => `${quote}(?:${quote}${quote}|[^${quote}])*(?:${quote}|$)`;
const ESCAPED = (quote: string): string => `${quote}(?:\\\\[\\s\\S]?|${quote}${quote}|[^${quote}\\\\])*(?:${quote}|$)`;
const COMMON = [
  '(?<word>[A-Za-z_\\u0080-\\uffff][\\w$\\u0080-\\uffff]*)',
  '(?<escaped>\\?\\?)',
  '(?<placeholder>\\?)',
  '(?<semicolon>;)',
  '(?<other>[\\s\\S])',
];
const SPACE = '[\\t-\\r ]+';
const PLAIN_BLOCK = '/\\*[\\s\\S]*?(?:\\*/|$)';

/** The same rules as in the package, written as one regular expression for each dialect. */
const RULES: Readonly<Record<Dialect, RegExp>> = {
  sqlite: rule([
    `(?<skipped>${SPACE}|--[^\\n]*|${PLAIN_BLOCK})`,
    `(?<quoted>${DOUBLED("'")}|${DOUBLED('"')}|${DOUBLED('`')}|\\[[^\\]]*(?:\\]|$))`,
  ]),
  mysql: rule([
    `(?<skipped>${SPACE}|#[^\\n]*|--(?=[\\0- ]|$)[^\\n]*|/\\*M?!|${PLAIN_BLOCK})`,
    `(?<quoted>${ESCAPED("'")}|${ESCAPED('"')}|${DOUBLED('`')})`,
  ]),
  postgres: rule([
    `(?<skipped>${SPACE}|--[^\\n]*)`,
    '(?<block>/\\*)',
    `(?<quoted>[eE]${ESCAPED("'")}|${DOUBLED("'")}|${DOUBLED('"')}|(?<tag>\\$(?:[A-Za-z_\\u0080-\\uffff][\\w\\u0080-\\uffff]*)?\\$)[\\s\\S]*?(?:\\k<tag>|$(?![\\s\\S])))`,
  ]),
};

function rule(alternatives: readonly string[]): RegExp {
  return new RegExp([...alternatives, ...COMMON].join('|'), 'y');
}

/** The tokens of a statement, for a test to compare with. */
export function referenceTokens(sql: string, dialect: Dialect): Token[] {
  const tokens: Token[] = [];
  const pattern = new RegExp(RULES[dialect]);
  for (let at = 0; at < sql.length; ) {
    pattern.lastIndex = at;
    const groups = pattern.exec(sql)!.groups!;
    const [kind, found] = Object.entries(groups).find(([name, value]) => name !== 'tag' && value !== undefined)!;
    const text = kind === 'block' ? nestedComment(sql.slice(at)) : found!;
    tokens.push({ kind: kind === 'block' ? 'skipped' : (kind as Token['kind']), text, at });
    at += text.length;
  }
  return tokens;
}

/** A comment from its opening to the closing of the same depth. */
function nestedComment(rest: string): string {
  let depth = 0;
  const marks = /\/\*|\*\//g;
  for (let mark = marks.exec(rest); mark !== null; mark = marks.exec(rest)) {
    depth += mark[0] === '/*' ? 1 : -1;
    if (depth === 0) return rest.slice(0, marks.lastIndex);
  }
  return rest;
}

const WORD_PART = /[\w$\u0080-\uffff]/;

/** What becomes of a statement: its text and number of parameters, or nothing where it is refused. */
export function referenceStatement(sql: string, dialect: Dialect): { text: string; count: number } | undefined {
  const tokens = referenceTokens(sql, dialect).filter(({ kind }) => kind !== 'skipped');
  const end = tokens.findIndex(({ kind }) => kind === 'semicolon');
  const firstWord = tokens.find(({ kind }) => kind === 'word')?.text.toUpperCase();
  const firstWordAt = tokens.findIndex(({ kind }) => kind === 'word');
  const hasBody = firstWord === 'CREATE' && (end < 0 || firstWordAt < end);
  if (end >= 0 && !hasBody && tokens.slice(end + 1).some(({ kind }) => kind !== 'semicolon')) return undefined;
  let text = '';
  let copied = 0;
  let count = 0;
  for (const { kind, at, text: found } of tokens) {
    const next = sql[at + found.length] ?? '';
    if (kind === 'escaped') {
      if (dialect !== 'postgres') return undefined;
      text += `${sql.slice(copied, at)}?`;
      copied = at + 2;
    } else if (kind === 'placeholder') {
      count++;
      if (dialect !== 'postgres') {
        if (WORD_PART.test(next)) return undefined;
        continue;
      }
      const before = WORD_PART.test(sql[at - 1] ?? '') ? ' ' : '';
      text += `${sql.slice(copied, at)}${before}$${count}${WORD_PART.test(next) ? ' ' : ''}`;
      copied = at + 1;
    } else if (kind === 'other' && dialect === 'sqlite' && /[$:@]/.test(found) && /[A-Za-z_\u0080-\uffff]/.test(next)) {
      return undefined;
    }
  }
  return { text: text + sql.slice(copied), count };
}
