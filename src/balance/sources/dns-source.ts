import { lookup } from 'node:dns/promises';
import { type CancelTimer, type Clock, systemClock } from '../../kernel/clock.ts';
import { PeregrineError, toMessage } from '../../kernel/errors.ts';
import { integerOption, objectOption, stringOption } from '../../kernel/options.ts';
import {
  type AddressFamily,
  type AddressOptions,
  endpointAt,
  familyOption,
  portOption,
  type ResolvedAddressOptions,
  resolveAddressOptions,
  whenChanged,
} from './addresses.ts';
import type { Endpoint, EndpointSource } from './endpoint-source.ts';

export interface DnsSourceOptions extends AddressOptions {
  /** The name that stands for all replicas, such as that of a headless service. */
  readonly name: string;
  readonly port: number;
  /** Takes only addresses of IPv4 or of IPv6. @default both */
  readonly family?: AddressFamily;
  /** How often the name is asked for, in milliseconds. @default 5_000 */
  readonly refreshMs?: number;
  /** How long a name without addresses keeps those from before, in milliseconds. @default 60_000 */
  readonly graceMs?: number;
}

/** All addresses of a name. One that is not known, or has none, may reject with `ENOTFOUND` or `ENODATA`. */
export type Resolve = (name: string, family: AddressFamily | undefined) => Promise<readonly string[]>;

const KEYS = ['name', 'port', 'scheme', 'path', 'family', 'refreshMs', 'graceMs'] as const;
/** What a resolver says of a name that has no address; anything else is a failure of its own. */
const NO_ADDRESS: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'ENODATA']);

/** As all programs of this machine resolve names: its hosts file and search domains hold. */
const systemResolve: Resolve = async (name, family) => {
  const found = await lookup(name, { all: true, family: family ?? 0 });
  return found.map(({ address }) => address);
};

/** Each address of a name is a replica. */
export class DnsSource implements EndpointSource {
  readonly #name: string;
  readonly #port: number;
  readonly #address: ResolvedAddressOptions;
  readonly #family: AddressFamily | undefined;
  readonly #refreshMs: number;
  readonly #graceMs: number;
  readonly #clock: Clock;
  readonly #resolve: Resolve;
  #tell: (endpoints: readonly Endpoint[]) => void = () => {};
  #failed: (error: unknown) => void = () => {};
  #emptySince: number | undefined;
  #cancel: CancelTimer | undefined;
  #stopped = false;

  /** @throws {OptionError} */
  constructor(
    options: DnsSourceOptions,
    { clock = systemClock, resolve = systemResolve }: { readonly clock?: Clock; readonly resolve?: Resolve } = {},
    name = 'dns',
  ) {
    const given = objectOption(name, options, KEYS);
    this.#name = stringOption(`${name}.name`, given.name);
    this.#port = portOption(`${name}.port`, given.port);
    this.#address = resolveAddressOptions(name, options);
    this.#family = familyOption(`${name}.family`, given.family);
    this.#refreshMs = integerOption(`${name}.refreshMs`, given.refreshMs, 5_000, { min: 100, max: 3_600_000 });
    this.#graceMs = integerOption(`${name}.graceMs`, given.graceMs, 60_000, { min: 0, max: 3_600_000 });
    this.#clock = clock;
    this.#resolve = resolve;
  }

  async start(changed: (endpoints: readonly Endpoint[]) => void, failed: (error: unknown) => void): Promise<void> {
    const first = await this.#ask();
    if (first.length === 0) throw this.#error('has no address');
    if (this.#stopped) return;
    this.#tell = whenChanged(changed);
    this.#failed = failed;
    this.#tell(first);
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #schedule(): void {
    this.#cancel = this.#clock.after(this.#refreshMs, () => void this.#refresh());
  }

  async #refresh(): Promise<void> {
    try {
      const endpoints = await this.#ask();
      if (this.#stopped) return;
      if (endpoints.length > 0) {
        this.#emptySince = undefined;
        this.#tell(endpoints);
      } else this.#empty();
    } catch (error) {
      if (this.#stopped) return;
      this.#failed(error);
    }
    this.#schedule();
  }

  /** A name server that restarts may answer so too: replicas are kept for a while. */
  #empty(): void {
    const now = this.#clock.now();
    if (this.#emptySince === undefined) {
      this.#emptySince = now;
      this.#failed(this.#error(`has no address; its replicas are kept for ${this.#graceMs} ms`));
    }
    if (now - this.#emptySince >= this.#graceMs) this.#tell([]);
  }

  async #ask(): Promise<Endpoint[]> {
    try {
      const addresses = await this.#resolve(this.#name, this.#family);
      return [...new Set(addresses)].map((address) => endpointAt(address, this.#port, this.#address, this.#name));
    } catch (error) {
      if (NO_ADDRESS.has((error as { readonly code?: unknown } | null)?.code)) return [];
      throw this.#error(`could not be resolved: ${toMessage(error)}`, error);
    }
  }

  #error(what: string, cause?: unknown): PeregrineError {
    return new PeregrineError('ENDPOINTS_UNKNOWN', `the name "${this.#name}" ${what}`, { cause, retryable: true });
  }
}
