import { hostname } from 'node:os';
import { type CancelTimer, type Clock, systemClock } from '../../kernel/clock.ts';
import { integerOption, objectOption, stringOption } from '../../kernel/options.ts';
import { type Random, systemRandom } from '../../kernel/random.ts';
import { type ApiClient, type ApiObject, hasStatus } from './api-client.ts';
import { objectNameOption } from './api-options.ts';

export interface LeaseOptions {
  /** Of the Lease; all who may hold it name the same. */
  readonly name: string;
  /** Who this process is: no two may be the same. @default its host's name with a random ending */
  readonly identity?: string;
  /** How long the others wait after the last renewal that they saw, in milliseconds. @default 15_000 */
  readonly durationMs?: number;
  /** How often it is renewed, or asked for, in milliseconds. @default 2_000 */
  readonly renewMs?: number;
}

/** The part of a Lease (`coordination.k8s.io/v1`) that matters here. */
interface LeaseObject extends ApiObject {
  readonly spec?: {
    readonly holderIdentity?: string | null;
    readonly leaseDurationSeconds?: number | null;
    readonly acquireTime?: string | null;
    readonly renewTime?: string | null;
    readonly leaseTransitions?: number | null;
  };
}

export const LEASE_KEYS = ['name', 'identity', 'durationMs', 'renewMs'] as const;
/** The holder counts on it for this share of its duration only: the rest is for requests that are under way. */
const COUNTED_SHARE = 2 / 3;

/**
 * Held by one process of many at a time.
 *
 * No process compares its clock with that of another: the holder counts from when it began to renew, the others from when they saw
 * that it had been renewed, which is later.
 */
export class Lease {
  readonly identity: string;
  readonly #path: string;
  readonly #name: string;
  readonly #durationMs: number;
  readonly #renewMs: number;
  readonly #api: ApiClient;
  readonly #clock: Clock;
  readonly #random: Random;
  #changed: (isHeld: boolean) => void = () => {};
  #failed: (error: unknown) => void = () => {};
  /** The Lease as it was seen last, and since when it has been like this. */
  #seen: LeaseObject | undefined;
  #seenAt = 0;
  #heldUntil = Number.NEGATIVE_INFINITY;
  #wasHeld = false;
  #cancel: CancelTimer | undefined;
  #cancelEnd: CancelTimer | undefined;
  #trying: Promise<void> | undefined;
  #closed = false;

  /** @throws {OptionError} */
  constructor(
    options: LeaseOptions,
    parts: { readonly api: ApiClient; readonly clock?: Clock; readonly random?: Random },
    name = 'lease',
  ) {
    const given = objectOption(name, options, LEASE_KEYS);
    this.#random = parts.random ?? systemRandom;
    this.#clock = parts.clock ?? systemClock;
    this.#api = parts.api;
    this.#name = objectNameOption(`${name}.name`, given.name);
    this.#path = `/apis/coordination.k8s.io/v1/namespaces/${parts.api.namespace}/leases`;
    const ending = Math.floor(this.#random() * 2 ** 48).toString(36);
    this.identity = stringOption(`${name}.identity`, given.identity, `${hostname()}_${ending}`);
    this.#durationMs = integerOption(`${name}.durationMs`, given.durationMs, 15_000, { min: 3_000, max: 3_600_000 });
    const longest = Math.floor(this.#durationMs / 3);
    this.#renewMs = integerOption(`${name}.renewMs`, given.renewMs, Math.min(2_000, longest), {
      min: 500,
      max: longest,
    });
  }

  /** How long it can still be counted on, in milliseconds; 0 when it is not held. */
  get remainingMs(): number {
    return this.#closed ? 0 : Math.max(0, this.#heldUntil - this.#clock.now());
  }

  /** Begins to ask for it. `changed` hears when it is held and when no more. */
  start(changed: (isHeld: boolean) => void, failed: (error: unknown) => void): void {
    this.#changed = changed;
    this.#failed = failed;
    this.#try();
  }

  /** Gives it back, so that another one need not wait until it expires. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancel?.();
    this.#cancelEnd?.();
    await this.#trying;
    const spec = this.#seen?.spec;
    if (spec?.holderIdentity !== this.identity) return;
    try {
      await this.#write({ ...spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: this.#microTime() });
    } catch (error) {
      if (!hasStatus(error, 409)) this.#failed(error);
    }
  }

  #try(): void {
    this.#trying = this.#attempt()
      .catch((error) => this.#look(error))
      .catch((error) => this.#failed(error))
      .then(() => {
        if (this.#closed) return;
        this.#tell();
        this.#cancel = this.#clock.after(this.#renewMs * (1 + this.#random() / 5), () => this.#try());
      });
  }

  /** Another one has written, or taken the Lease away: what it is now decides. */
  async #look(error: unknown): Promise<void> {
    const isChanged = hasStatus(error, 409) || (hasStatus(error, 404) && this.#seen !== undefined);
    if (!isChanged) throw error;
    await this.#read();
  }

  async #attempt(): Promise<void> {
    const began = this.#clock.now();
    // Its holder need not read it: whoever took it has changed its version, and then writing conflicts.
    if (this.#seen === undefined || this.remainingMs === 0) await this.#read();
    if (this.#closed || !this.#isFree()) return;
    const spec = this.#seen?.spec;
    const isOurs = spec?.holderIdentity === this.identity;
    const now = this.#microTime();
    await this.#write({
      holderIdentity: this.identity,
      leaseDurationSeconds: Math.ceil(this.#durationMs / 1_000),
      acquireTime: isOurs ? (spec?.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (spec?.leaseTransitions ?? 0) + (isOurs || spec === undefined ? 0 : 1),
    });
    this.#heldUntil = began + this.#durationMs * COUNTED_SHARE;
  }

  async #read(): Promise<void> {
    const lease = await this.#api.get<LeaseObject>(`${this.#path}/${this.#name}`).catch((error) => {
      if (hasStatus(error, 404)) return undefined;
      throw error;
    });
    if (lease?.spec?.holderIdentity !== this.identity) this.#heldUntil = Number.NEGATIVE_INFINITY;
    if (lease !== undefined && lease.metadata.resourceVersion === this.#seen?.metadata.resourceVersion) return;
    this.#seen = lease;
    this.#seenAt = this.#clock.now();
  }

  #isFree(): boolean {
    const spec = this.#seen?.spec;
    if (!spec?.holderIdentity || spec.holderIdentity === this.identity) return true;
    return this.#clock.now() - this.#seenAt >= (spec.leaseDurationSeconds ?? 0) * 1_000;
  }

  async #write(spec: LeaseObject['spec']): Promise<void> {
    const body = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { ...this.#seen?.metadata, name: this.#name },
      spec,
    };
    this.#seen =
      this.#seen === undefined
        ? await this.#api.create<LeaseObject>(this.#path, body)
        : await this.#api.replace<LeaseObject>(`${this.#path}/${this.#name}`, body);
    this.#seenAt = this.#clock.now();
  }

  /** Tells a change, and sees to it that the end is told when no renewal succeeds. */
  #tell(): void {
    const { remainingMs } = this;
    this.#cancelEnd?.();
    if (remainingMs > 0) this.#cancelEnd = this.#clock.after(remainingMs, () => this.#tell());
    if (remainingMs > 0 === this.#wasHeld) return;
    this.#wasHeld = remainingMs > 0;
    this.#changed(this.#wasHeld);
  }

  #microTime(): string {
    return `${new Date(this.#clock.wallNow()).toISOString().slice(0, -1)}000Z`;
  }
}
