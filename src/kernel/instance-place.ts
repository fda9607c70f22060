/** What a supervisor gives an instance to start with. */
export interface InstancePlace {
  /** The instance's name among all, such as `1`. */
  readonly name: string;
  /** Its share of the machine: hardware threads, and bytes. */
  readonly machine: { readonly cores: number; readonly memoryBytes: number };
  /** Seals what clients carry from one instance to another. */
  readonly stateSecret: string;
  /** Listen on a port of its own that the kernel spreads connections over, rather than on the one that the supervisor shares. */
  readonly reusePort: boolean;
  /** The port that takes the place of 0. */
  readonly port: number | undefined;
}

/** The environment variable that carries it; taken out of the environment when it is read, so that no child inherits it. */
export const PLACE_VARIABLE = 'PEREGRINE_INSTANCE';

let place: InstancePlace | undefined;

/** The place of this process, or thread, under a supervisor; nothing without one. */
export function instancePlace(): InstancePlace | undefined {
  const text = process.env[PLACE_VARIABLE];
  if (text === undefined) return place;
  delete process.env[PLACE_VARIABLE];
  place = JSON.parse(text) as InstancePlace;
  return place;
}
