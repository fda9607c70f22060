import type { Clock } from '../../kernel/clock.ts';
import { recordProfile } from '../../kernel/profiler.ts';
import type { Random } from '../../kernel/random.ts';
import { Signal } from '../../signal/signal.ts';
import type { AlertRecord, Vitals } from '../vitals.ts';
import { AlertEngine } from './alert-engine.ts';
import type { ResolvedAlerts } from './alert-options.ts';
import { AlertProfiles } from './alert-profiles.ts';
import { alertText } from './alert-text.ts';
import { type PostRequest, Webhook } from './webhook.ts';

export interface AlertsParts {
  readonly settings: ResolvedAlerts;
  /** Whose alerts these are. */
  readonly server: string;
  /** The instance that this process is: only it can be profiled here. @default '' */
  readonly instance?: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly post: PostRequest;
}

/** Watches vitals, and tells every outlet what fired and cleared. */
export class Alerts {
  /** Each alert twice: when it fires and when it clears. */
  readonly changed = new Signal<AlertRecord>();
  readonly #engine: AlertEngine;
  readonly #webhook: Webhook | undefined;

  constructor({ settings, server, instance = '', clock, random, post }: AlertsParts) {
    const { thresholds, logger, webhook, profile } = settings;
    this.#engine = new AlertEngine({ thresholds, clock });
    this.changed.on((record) => {
      if (record.state === 'firing') logger.warn({ alert: record }, alertText(record));
      else logger.info({ alert: record }, alertText(record));
    });
    if (webhook !== undefined) {
      const outlet = new Webhook({ settings: webhook, server, clock, random, post, logger });
      this.#webhook = outlet;
      this.changed.on((record) => outlet.send(record));
    }
    if (profile !== undefined) {
      const profiles = new AlertProfiles({ settings: profile, clock, logger, record: recordProfile });
      this.changed.on((record) => {
        if (record.instance === instance) profiles.take(record);
      });
    }
  }

  /** What fired and cleared, oldest first. */
  get history(): readonly AlertRecord[] {
    return this.#engine.history;
  }

  get firing(): readonly AlertRecord[] {
    return this.#engine.firing;
  }

  /** Looks at an instance, once a second. Returns what fired or cleared by that. */
  observe(instance: string, vitals: Vitals): readonly AlertRecord[] {
    return this.tell(this.#engine.observe(instance, vitals));
  }

  /** An instance is gone. */
  forget(instance: string): readonly AlertRecord[] {
    return this.tell(this.#engine.forget(instance));
  }

  /** Tells every outlet, of what another process found too. */
  tell(records: readonly AlertRecord[]): readonly AlertRecord[] {
    for (const record of records) this.changed.emit(record);
    return records;
  }

  close(): void {
    this.#webhook?.close();
  }
}
