import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../kernel/clock.ts';
import { toMessage } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import { PROFILE_ENDINGS, type ProfileKind, type recordProfile } from '../../kernel/profiler.ts';
import type { AlertKey, AlertRecord } from '../vitals.ts';

export interface ProfileSettings {
  readonly directory: string;
  readonly kinds: readonly ProfileKind[];
  readonly seconds: number;
  /** Files in the directory; beyond, the oldest go. */
  readonly atMost: number;
}

export interface AlertProfilesParts {
  readonly settings: ProfileSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly record: typeof recordProfile;
}

/** Which profile tells why; of the others none does. */
const KIND_OF: { readonly [K in AlertKey]?: ProfileKind } = {
  cpuUsage: 'cpu',
  responseTime: 'cpu',
  memoryUsage: 'heap',
};
/** Names sort by time. Only files of this form are ever removed. */
const OURS = /^peregrine-\d{8}T\d{9}Z-\d+-[A-Za-z]+\.(?:cpu|heap)profile$/;

/** Profiles this process when an alert fires, one at a time. */
export class AlertProfiles {
  readonly #parts: AlertProfilesParts;
  #running: Promise<void> | undefined;

  constructor(parts: AlertProfilesParts) {
    this.#parts = parts;
  }

  /** Settles when no profile is being made. */
  get idle(): Promise<void> {
    return this.#running ?? Promise.resolve();
  }

  /** Takes an alert; whatever goes wrong is logged. */
  take({ key, state }: AlertRecord): void {
    const kind = KIND_OF[key];
    if (state !== 'firing' || kind === undefined || !this.#parts.settings.kinds.includes(kind)) return;
    if (this.#running !== undefined) return;
    this.#running = this.#make(key, kind)
      .catch((error: unknown) => {
        this.#parts.logger.warn({ alert: key, profile: kind }, `no profile could be made: ${toMessage(error)}`);
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  async #make(key: AlertKey, kind: ProfileKind): Promise<void> {
    const { settings, clock, logger, record } = this.#parts;
    const { directory, seconds, atMost } = settings;
    await mkdir(directory, { recursive: true });
    const profile = await record(kind, seconds * 1_000, clock);
    const time = new Date(clock.wallNow()).toISOString().replace(/[-:.]/g, '');
    const file = join(directory, `peregrine-${time}-${process.pid}-${key}.${PROFILE_ENDINGS[kind]}`);
    await writeFile(`${file}.part`, profile, { mode: 0o600 });
    await rename(`${file}.part`, file);
    const kept = (await readdir(directory)).filter((name) => OURS.test(name)).sort();
    for (const name of kept.slice(0, Math.max(0, kept.length - atMost)))
      await rm(join(directory, name), { force: true });
    logger.info({ alert: key, profile: kind, file }, `a ${kind} profile was written to ${file}`);
  }
}
