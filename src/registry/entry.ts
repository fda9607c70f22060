import { OptionError } from '../kernel/errors.ts';

/** What an entry does to the registry that holds it. */
export interface EntryOwner<E> {
  /** The number of the next entry: lists keep the order of registration. */
  nextOrder(): number;
  /** How often entries changed or went so far. */
  changes(): number;
  /** Counts one more. */
  countChange(): number;
  /** @throws {OptionError} when the server cannot keep what the definition promises. */
  check(option: string, compiled: unknown): void;
  /** An entry's definition changed: list answers of its kind are out of date. */
  changed(): void;
  /** @throws {OptionError} when the new key is taken. */
  rekey(entry: E, from: string, to: string): void;
  remove(entry: E, key: string): void;
}

/** How a kind of entry is made ready, and found. */
export interface EntryKind<C, K> {
  /** The word for messages, such as `tool`. */
  readonly word: string;
  /** Works out, once, all that a call needs. @throws {OptionError} when the definition is not valid. */
  compile(name: string, config: C): K;
  /** What the registry finds the entry by. */
  keyOf(name: string, config: C): string;
}

type Handler = (...args: never[]) => unknown;

/** Changes to an entry: a whole new definition, and what else is given. */
export interface EntryChange<C, H> {
  readonly name: string | null | undefined;
  readonly config: C;
  readonly handler: H | undefined;
  readonly enabled: boolean | undefined;
}

/** What tools, prompts and resources have in common: a definition made ready, a handler, and the handle to change both. */
export abstract class RegisteredEntry<C, H extends Handler, K> {
  /** Its place among the entries of its kind. */
  readonly order: number;
  readonly #kind: EntryKind<C, K>;
  readonly #owner: EntryOwner<RegisteredEntry<C, H, K>>;
  #name: string;
  #config: C;
  #handler: H;
  #compiled: K;
  #enabled = true;
  #removed = false;
  #revision: number;

  constructor(kind: EntryKind<C, K>, name: string, config: C, handler: H, owner: EntryOwner<never>) {
    this.#kind = kind;
    this.#owner = owner as EntryOwner<RegisteredEntry<C, H, K>>;
    this.#name = checkName(kind.word, name);
    this.#config = config;
    this.#compiled = kind.compile(name, config);
    owner.check(`${kind.word} "${name}"`, this.#compiled);
    this.#handler = checkHandler(`${kind.word} "${name}" handler`, handler);
    this.order = owner.nextOrder();
    this.#revision = owner.changes();
  }

  get name(): string {
    return this.#name;
  }
  get enabled(): boolean {
    return this.#enabled;
  }
  /** What registration worked out. */
  get compiled(): K {
    return this.#compiled;
  }
  /**
   * A number that no earlier definition or handler under this name had: answers of another revision are other answers. It
   * counts changes and removals, not registrations, so that instances which register the same come to the same.
   */
  get revision(): number {
    return this.#revision;
  }
  /** What the registry finds this entry by. */
  get key(): string {
    return this.#kind.keyOf(this.#name, this.#config);
  }
  protected get config(): C {
    return this.#config;
  }
  protected get handler(): H {
    return this.#handler;
  }

  /** Shows the entry to clients again. */
  enable(): void {
    this.apply({ name: undefined, config: this.#config, handler: undefined, enabled: true });
  }

  /** Hides the entry: clients neither see nor reach it. */
  disable(): void {
    this.apply({ name: undefined, config: this.#config, handler: undefined, enabled: false });
  }

  /** Takes the entry out for good; calling it again does nothing. */
  remove(): void {
    if (this.#removed) return;
    this.#removed = true;
    this.#owner.remove(this, this.key);
  }

  /** Changes the entry at once and whole: when a part is not valid, nothing changes. @throws {OptionError} */
  protected apply({ name, config, handler, enabled }: EntryChange<C, H>): void {
    if (name === null) {
      this.remove();
      return;
    }
    const { word, compile, keyOf } = this.#kind;
    if (this.#removed) throw new OptionError(`${word} "${this.#name}"`, 'must not have been removed', 'a removed one');
    const newName = name === undefined ? this.#name : checkName(word, name);
    const compiled = config === this.#config && newName === this.#name ? this.#compiled : compile(newName, config);
    this.#owner.check(`${word} "${newName}"`, compiled);
    if (handler !== undefined) checkHandler(`${word} "${newName}" handler`, handler);
    const [from, to] = [this.key, keyOf(newName, config)];
    if (from !== to) this.#owner.rekey(this, from, to);
    if (compiled !== this.#compiled || handler !== undefined) this.#revision = this.#owner.countChange();
    this.#name = newName;
    this.#config = config;
    this.#compiled = compiled;
    if (handler !== undefined) this.#handler = handler;
    if (enabled !== undefined) this.#enabled = enabled;
    this.#owner.changed();
  }
}

/** Checks a registered name: not empty, at most 128 characters, no control characters. @throws {OptionError} */
function checkName(word: string, name: unknown): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (typeof name !== 'string' || name.length === 0 || name.length > 128 || /[\u0000-\u001f\u007f]/.test(name)) {
    throw new OptionError(`${word} name`, 'must have 1 to 128 characters, none of them a control character', name);
  }
  return name;
}

function checkHandler<H>(option: string, handler: H): H {
  if (typeof handler !== 'function') throw new OptionError(option, 'must be a function', handler);
  return handler;
}

/** Members of a definition that are set, in the order of the keys. */
export function pick<K extends string>(
  source: { readonly [P in K]?: unknown },
  keys: readonly K[],
): Record<string, unknown> {
  const picked: Record<string, unknown> = {};
  for (const key of keys) if (source[key] !== undefined) picked[key] = source[key];
  return picked;
}

/** The updates that are not `undefined`: an absent member leaves what is there. */
export function definedOf<T extends object>(updates: T): Partial<T> {
  return Object.fromEntries(Object.entries(updates).filter(([, value]) => value !== undefined)) as Partial<T>;
}
