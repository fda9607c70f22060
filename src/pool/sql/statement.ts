import { DatabaseError } from '../errors.ts';
import { BoundedCache } from './bounded-cache.ts';
import { type Dialect, isWordPart, isWordStart, scan, type TokenVisitor } from './tokens.ts';

/** A statement made ready for one database. */
export interface Statement {
  /** The text as the database gets it. */
  readonly text: string;
  readonly parameterCount: number;
  /** Its first word, in upper case. */
  readonly firstWord: string;
  /** Whether it only reads, judged by its words. A function that it calls may still write. */
  readonly isRead: boolean;
  /** How often it was asked for: what runs once is not worth preparing. */
  uses: number;
}

const MAX_STATEMENTS = 2_000;
const READING = new Set(['SELECT', 'VALUES', 'WITH', 'TABLE', 'EXPLAIN', 'SHOW', 'DESCRIBE', 'DESC']);
const WRITING = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE', 'INTO']);

/** Makes statements ready and remembers them by their text. */
export class StatementParser {
  readonly #dialect: Dialect;
  readonly #database: string;
  readonly #known = new BoundedCache<string, Statement>(MAX_STATEMENTS);

  constructor(dialect: Dialect, database: string) {
    this.#dialect = dialect;
    this.#database = database;
  }

  /**
   * The statement of a text with `?` placeholders.
   *
   * @throws {DatabaseError} `DB_PARAMETERS` for a placeholder that cannot be used; `DB_SYNTAX` for several statements.
   */
  parse(sql: string): Statement {
    const known = this.#known.get(sql);
    if (known !== undefined) {
      known.uses++;
      return known;
    }
    const statement = new StatementReader(sql, this.#dialect, this.#database).read();
    this.#known.set(sql, statement);
    return statement;
  }

  /** @throws {DatabaseError} `DB_PARAMETERS` when the number of parameters is another than that of placeholders. */
  checkCount(statement: Pick<Statement, 'parameterCount'>, parameters: readonly unknown[]): void {
    const { parameterCount } = statement;
    if (parameters.length === parameterCount) return;
    const detail = `${parameterCount} placeholders, ${parameters.length} parameters`;
    throw new DatabaseError('DB_PARAMETERS', this.#database, { detail });
  }
}

/** Reads one statement's text once. */
class StatementReader implements TokenVisitor {
  readonly #sql: string;
  readonly #dialect: Dialect;
  readonly #database: string;
  #text = '';
  #copied = 0;
  #parameters = 0;
  #firstWord = '';
  #hasWritingWord = false;
  #isEnded = false;

  constructor(sql: string, dialect: Dialect, database: string) {
    this.#sql = sql;
    this.#dialect = dialect;
    this.#database = database;
  }

  read(): Statement {
    scan(this.#sql, this.#dialect, this);
    return {
      text: this.#text + this.#sql.slice(this.#copied),
      parameterCount: this.#parameters,
      firstWord: this.#firstWord,
      isRead: READING.has(this.#firstWord) && !this.#hasWritingWord,
      uses: 1,
    };
  }

  placeholder(at: number): void {
    this.#begin();
    this.#parameters++;
    if (this.#dialect === 'postgres') {
      // Without the spaces `limit?` would become the name `limit$1`, and `?5` the placeholder `$15`.
      const before = at > 0 && isWordPart(this.#sql.charCodeAt(at - 1)) ? ' ' : '';
      const after = isWordPart(this.#sql.charCodeAt(at + 1)) ? ' ' : '';
      this.#replace(at, 1, `${before}$${this.#parameters}${after}`);
    } else if (isWordPart(this.#sql.charCodeAt(at + 1))) {
      throw this.#wrong('DB_PARAMETERS', 'only plain ? placeholders');
    }
  }

  escaped(at: number): void {
    this.#begin();
    if (this.#dialect !== 'postgres') throw this.#wrong('DB_PARAMETERS', '?? is an operator of PostgreSQL');
    this.#replace(at, 2, '?');
  }

  word(start: number, end: number): void {
    this.#begin();
    const word = this.#sql.slice(start, end).toUpperCase();
    if (this.#firstWord === '') this.#firstWord = word;
    if (WRITING.has(word)) this.#hasWritingWord = true;
  }

  semicolon(): void {
    // The body of a trigger or a procedure has semicolons of its own.
    if (this.#firstWord !== 'CREATE') this.#isEnded = true;
  }

  other(at: number): void {
    this.#begin();
    const code = this.#sql.charCodeAt(at);
    const isNamed = code === 0x24 || code === 0x3a || code === 0x40; // $ : @
    if (isNamed && this.#dialect === 'sqlite' && isWordStart(this.#sql.charCodeAt(at + 1)))
      throw this.#wrong('DB_PARAMETERS', 'only plain ? placeholders');
  }

  #begin(): void {
    if (this.#isEnded) throw this.#wrong('DB_SYNTAX', 'one statement at a time');
  }

  #replace(at: number, length: number, replacement: string): void {
    this.#text += this.#sql.slice(this.#copied, at) + replacement;
    this.#copied = at + length;
  }

  #wrong(code: 'DB_PARAMETERS' | 'DB_SYNTAX', detail: string): DatabaseError {
    return new DatabaseError(code, this.#database, { detail });
  }
}
