import { Circuit, type CircuitOptions, type CircuitStatistics } from '../../breaker/breaker.ts';

/** Tools that fail at one backend at the same time; further ones are watched by the circuit of the backend alone. */
const MAX_TOOLS = 256;

/** What a call that was let in has to hand back. */
export interface Passage {
  entry: number;
  toolEntry: number;
}

const NO_ENTRY = -1;

/**
 * The circuits of one backend: one for all calls, and one for each tool that has failed lately. A tool's own goes as soon as the
 * tool works, so names that clients invent take no memory.
 */
export class BackendCircuits {
  readonly #all: Circuit;
  readonly #tools = new Map<string, Circuit>();
  readonly #options: CircuitOptions;

  constructor(options: CircuitOptions & { readonly name: string }) {
    this.#options = options;
    this.#all = new Circuit(options);
  }

  /** Lets a call in, unless a circuit is open. */
  enter(tool: string | undefined, passage: Passage): boolean {
    const circuit = this.#toolCircuit(tool);
    if (isOpen(this.#all) || (circuit !== undefined && isOpen(circuit))) return false;
    passage.toolEntry = circuit === undefined ? NO_ENTRY : circuit.enter();
    passage.entry = this.#all.enter();
    return true;
  }

  leave(tool: string | undefined, { entry, toolEntry }: Passage, outcome: 'success' | 'failure' | 'unknown'): void {
    this.#all.leave(entry, outcome);
    if (tool === undefined) return;
    const circuit = this.#toolCircuit(tool);
    if (circuit === undefined) {
      if (outcome === 'failure' && this.#tools.size < MAX_TOOLS) this.#watch(tool);
      return;
    }
    if (toolEntry !== NO_ENTRY) circuit.leave(toolEntry, outcome);
    else if (circuit.state === 'closed') circuit.leave(circuit.enter(), outcome); // It failed elsewhere in between.
    if (outcome === 'success' && circuit.state === 'closed') this.#tools.delete(tool);
  }

  /** That of the backend, then those of tools that failed lately. */
  statistics(): CircuitStatistics[] {
    return [this.#all, ...this.#tools.values()].map((circuit) => circuit.statistics());
  }

  #toolCircuit(tool: string | undefined): Circuit | undefined {
    return tool === undefined || this.#tools.size === 0 ? undefined : this.#tools.get(tool);
  }

  #watch(tool: string): void {
    const circuit = new Circuit({ ...this.#options, name: `${this.#all.name} ${tool}` });
    this.#tools.set(tool, circuit);
    circuit.leave(circuit.enter(), 'failure');
  }
}

/** Whether no call may be made now: a circuit that would let one through to find out is not open. */
function isOpen(circuit: Circuit): boolean {
  return circuit.state !== 'closed' && circuit.statistics().retryAfterMs > 0;
}
