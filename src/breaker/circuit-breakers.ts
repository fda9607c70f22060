import type { BreakerEvent, Signal } from '../signal/signal.ts';
import { Circuit, type CircuitStatistics } from './circuit.ts';
import { type CircuitOptions, resolveCircuitOptions } from './options.ts';

/** Circuits by the names of dependencies, all with the same options. Names come from configuration, not from requests. */
export class CircuitBreakers {
  /** Tells every change of state of every circuit. */
  readonly changed: Signal<BreakerEvent>;
  readonly #options: Omit<CircuitOptions, 'name'>;
  readonly #circuits = new Map<string, Circuit>();

  /** @throws {OptionError} when an option is unknown or not valid. */
  constructor(options?: Omit<CircuitOptions, 'name'>) {
    const { name: _, ...resolved } = resolveCircuitOptions(options);
    this.#options = resolved;
    this.changed = resolved.changed;
  }

  /** The circuit of a dependency, made when it is first asked for. @throws {OptionError} when the name is empty. */
  get(name: string): Circuit {
    let circuit = this.#circuits.get(name);
    if (circuit === undefined) {
      circuit = new Circuit({ ...this.#options, name });
      this.#circuits.set(name, circuit);
    }
    return circuit;
  }

  /** What all circuits have counted, in the order in which they were first asked for. */
  statistics(): CircuitStatistics[] {
    return Array.from(this.#circuits.values(), (circuit) => circuit.statistics());
  }
}
