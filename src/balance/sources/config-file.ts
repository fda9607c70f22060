import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { type CancelTimer, type Clock, systemClock } from '../../kernel/clock.ts';
import { toMessage } from '../../kernel/errors.ts';
import { integerOption, objectOption, stringOption } from '../../kernel/options.ts';

export interface ConfigFileOptions<T> {
  readonly path: string;
  /** Makes of the text what is told; throws when it is not right, and then what was told before stays. */
  readonly parse: (text: string) => T;
  /** How long nothing may happen to the file before it is read, in milliseconds. @default 100 */
  readonly debounceMs?: number;
  /** How often it is read where the system tells of no change, as on network drives, in milliseconds. @default 5_000 */
  readonly pollMs?: number;
}

/** What a watched file needs of the file system. */
export interface FileAccess {
  read(path: string): Promise<string>;
  /** Tells the names of the files of a folder to which something happens, as far as they are known. @returns What ends that. */
  watch(folder: string, happened: (name: string | undefined) => void): () => void;
}

const KEYS = ['path', 'parse', 'debounceMs', 'pollMs'] as const;
/** What Kubernetes replaces in the folder of a ConfigMap: the link through which all its files are seen. */
const CONFIG_MAP_LINK = '..data';

/**
 * Tells what a file holds, each time that it is another text.
 *
 * It is the folder that is watched, not the file: editors and Kubernetes put another file in its place.
 */
export class ConfigFile<T> {
  readonly #path: string;
  readonly #parse: (text: string) => T;
  readonly #debounceMs: number;
  readonly #pollMs: number;
  readonly #clock: Clock;
  readonly #files: FileAccess;
  #changed: (value: T) => void = () => {};
  #failed: (error: unknown) => void = () => {};
  /** What was told last, and what has been wrong since. */
  #told: string | undefined;
  #problem: string | undefined;
  #reading = false;
  #again = false;
  #stopped = false;
  #unwatch: (() => void) | undefined;
  #cancelDebounce: CancelTimer | undefined;
  #cancelPoll: CancelTimer | undefined;

  /** @throws {OptionError} */
  constructor(
    options: ConfigFileOptions<T>,
    { clock = systemClock, files = systemFiles }: { readonly clock?: Clock; readonly files?: FileAccess } = {},
  ) {
    const given = objectOption('file', options, KEYS);
    this.#path = stringOption('file.path', given.path);
    this.#parse = options.parse;
    this.#debounceMs = integerOption('file.debounceMs', given.debounceMs, 100, { min: 1, max: 60_000 });
    this.#pollMs = integerOption('file.pollMs', given.pollMs, 5_000, { min: 100, max: 3_600_000 });
    this.#clock = clock;
    this.#files = files;
  }

  /**
   * Begins; `changed` gets what the file holds, the first time before the promise resolves. What is wrong later on is told by
   * `failed`, once as long as it stays the same.
   *
   * @throws What reading or parsing the file throws.
   */
  async start(changed: (value: T) => void, failed: (error: unknown) => void): Promise<void> {
    // Watched before it is read, so that no change falls in between.
    this.#unwatch = this.#files.watch(dirname(this.#path), (name) => this.#happened(name));
    try {
      const text = await this.#files.read(this.#path);
      const value = this.#parse(text);
      if (this.#stopped) return;
      [this.#changed, this.#failed, this.#told] = [changed, failed, text];
      changed(value);
      this.#cancelPoll = this.#clock.every(this.#pollMs, () => void this.#look());
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#unwatch?.();
    this.#cancelDebounce?.();
    this.#cancelPoll?.();
  }

  #happened(name: string | undefined): void {
    if (this.#stopped || (name !== undefined && name !== basename(this.#path) && name !== CONFIG_MAP_LINK)) return;
    this.#cancelDebounce?.();
    this.#cancelDebounce = this.#clock.after(this.#debounceMs, () => void this.#look());
  }

  /** Reads once at a time; what happens meanwhile is looked at afterwards. */
  async #look(): Promise<void> {
    this.#again = this.#reading;
    if (this.#told === undefined || this.#reading) return;
    this.#reading = true;
    do {
      this.#again = false;
      await this.#compare();
    } while (this.#again && !this.#stopped);
    this.#reading = false;
  }

  async #compare(): Promise<void> {
    try {
      const text = await this.#files.read(this.#path);
      if (this.#stopped || (text === this.#told && this.#problem === undefined)) return;
      const value = this.#parse(text);
      const isNew = text !== this.#told;
      [this.#told, this.#problem] = [text, undefined];
      if (isNew) this.#changed(value);
    } catch (error) {
      const problem = toMessage(error);
      if (this.#stopped || problem === this.#problem) return;
      this.#problem = problem;
      this.#failed(error);
    }
  }
}

const systemFiles: FileAccess = {
  read: (path) => readFile(path, 'utf8'),
  watch(folder, happened) {
    const watcher = watch(folder, { persistent: false }, (_, name) => happened(name ?? undefined));
    // A folder that is taken away, or a system that watches no more: the file is read now and then all the same.
    watcher.on('error', () => watcher.close());
    return () => watcher.close();
  },
};
