import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeholders } from '../../../src/pool/pool.ts';
import { StatementParser } from '../../../src/pool/sql/statement.ts';
import type { Dialect } from '../../../src/pool/sql/tokens.ts';
import { referenceStatement } from './reference-tokens.ts';

const DIALECTS: readonly Dialect[] = ['sqlite', 'postgres', 'mysql'];
const PIECES = [
  ...["'", "''", '"', '`', '[', ']', '?', '??', '\\', '\n', ' ', ';', '-', '--', '-- ', '#', '/*', '*/', '/*!', '/*M!'],
  ...[
    '$',
    '$$',
    '$a$',
    '$1',
    'e',
    "E'",
    "e'",
    'ab',
    '_',
    '1',
    'é',
    '(',
    ')',
    ',',
    ':',
    '@x',
    '|',
    '&',
    'CREATE',
    'select',
  ],
];
// Few different pieces in one text, so that those which belong together meet.
const statements = fc
  .subarray(PIECES, { minLength: 2, maxLength: 7 })
  .chain((few) => fc.array(fc.constantFrom(...few, '?', ' '), { maxLength: 20 }))
  .map((pieces) => pieces.join(''));

function parse(sql: string, dialect: Dialect): { text: string; count: number } | undefined {
  try {
    const { text, parameterCount } = new StatementParser(dialect, 'shop').parse(sql);
    return { text, count: parameterCount };
  } catch {
    return undefined;
  }
}

const postgres = (sql: string) => parse(sql, 'postgres')?.text;

describe.each(DIALECTS)('placeholders in %s', (dialect) => {
  it('are found where a reference tokeniser finds them', () => {
    fc.assert(
      fc.property(statements, (sql) => {
        expect(parse(sql, dialect)).toEqual(referenceStatement(sql, dialect));
      }),
      { numRuns: 5_000 },
    );
  });

  it('are found in any text without failing otherwise than by refusing it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (sql) => {
        const result = parse(sql, dialect);
        expect(result).toEqual(referenceStatement(sql, dialect));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('rewriting for PostgreSQL', () => {
  it.each([
    ['SELECT ? + ?', 'SELECT $1 + $2'],
    ['SELECT \'?\', "?", ?', 'SELECT \'?\', "?", $1'],
    ["SELECT E'it\\'s ?', ?", "SELECT E'it\\'s ?', $1"],
    ["SELECT 'a\\', ?", "SELECT 'a\\', $1"],
    ['SELECT $$?$$, $tag$ ? $$ ? $tag$, ?', 'SELECT $$?$$, $tag$ ? $$ ? $tag$, $1'],
    ['SELECT a$b$ + ?', 'SELECT a$b$ + $1'],
    ['SELECT /* ? /* ? */ ? */ ? -- ?', 'SELECT /* ? /* ? */ ? */ $1 -- ?'],
    ["SELECT doc ?? 'a' AND doc ??| ? AND doc ??& ?", "SELECT doc ? 'a' AND doc ?| $1 AND doc ?& $2"],
    ['LIMIT?', 'LIMIT $1'],
    ['SELECT ?::int, ?and', 'SELECT $1::int, $2 and'],
  ])('makes %s into %s', (sql, expected) => {
    expect(postgres(sql)).toBe(expected);
  });
});

describe('other dialects', () => {
  it('have their own strings, names and comments', () => {
    expect(parse("SELECT 'it\\'s ?', `?`, ? # ?\n -- ?\n, 1--?", 'mysql')?.count).toBe(2);
    expect(parse('SELECT /*! ?, */ ? /* ? */', 'mysql')?.count).toBe(2);
    expect(parse('SELECT \'a\\\', ?, [?], `?`, "?"', 'sqlite')?.count).toBe(1);
  });

  it.each(['SELECT ??', 'SELECT ?1', 'SELECT :name', 'SELECT @name', 'SELECT $name'])('refuse %s in SQLite', (sql) => {
    expect(() => new StatementParser('sqlite', 'shop').parse(sql)).toThrow(
      expect.objectContaining({ code: 'DB_PARAMETERS', retryable: false }),
    );
  });
});

describe('statements', () => {
  const read = (sql: string) => new StatementParser('postgres', 'shop').parse(sql).isRead;

  it('are one at a time, but for the body of a trigger', () => {
    const parser = new StatementParser('sqlite', 'shop');
    expect(() => parser.parse('SELECT 1; DROP TABLE a')).toThrow(expect.objectContaining({ code: 'DB_SYNTAX' }));
    expect(parser.parse('SELECT 1; -- done\n ;').parameterCount).toBe(0);
    expect(parser.parse('CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; END;').isRead).toBe(false);
  });

  it('are told apart by whether they read alone', () => {
    expect(read('-- first\n (SELECT 1)')).toBe(true);
    expect(read("WITH a AS (SELECT 'DELETE') SELECT * FROM a")).toBe(true);
    expect(read('WITH a AS (DELETE FROM b RETURNING *) SELECT * FROM a')).toBe(false);
    expect(read('SELECT * INTO c FROM a')).toBe(false);
    expect(read('INSERT INTO a SELECT 1')).toBe(false);
    expect(read('')).toBe(false);
  });

  it('are read once for each text', () => {
    const parser = new StatementParser('postgres', 'shop');
    const first = parser.parse('SELECT ?');
    expect(parser.parse('SELECT ?')).toBe(first);
    expect(first.uses).toBe(2);
  });

  it('say how many parameters they want', () => {
    const parser = new StatementParser('postgres', 'shop');
    expect(() => parser.checkCount(parser.parse('SELECT ?, ?'), [1])).toThrow(
      'database "shop": the parameters do not fit the statement (2 placeholders, 1 parameters)',
    );
  });
});

it('makes placeholders for a list', () => {
  expect(placeholders(3)).toBe('?, ?, ?');
  expect(() => placeholders(0)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
});
