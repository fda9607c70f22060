import { fileURLToPath } from 'node:url';
import type {
  FromInstance,
  InstanceListener,
  LaunchedInstance,
  Launcher,
  ToInstance,
} from '../../../src/cluster/cluster.ts';
import { resolveSupervisorOptions, type SupervisorOptions } from '../../../src/cluster/options.ts';
import type { InstancePlace } from '../../../src/kernel/instance-place.ts';
import { LateClock } from '../support/late-clock.ts';

/** An instance that does what the test says. */
export class FakeInstance implements LaunchedInstance {
  readonly pid: number;
  readonly place: InstancePlace;
  readonly received: ToInstance[] = [];
  isKilled = false;
  readonly #listener: InstanceListener;
  readonly #isObedient: boolean;

  constructor(pid: number, place: InstancePlace, listener: InstanceListener, isObedient: boolean) {
    this.#isObedient = isObedient;
    this.pid = pid;
    this.place = place;
    this.#listener = listener;
  }

  send(message: ToInstance): void {
    this.received.push(message);
    if (this.#isObedient && message.kind === 'drain') this.exit();
  }

  kill(): void {
    this.isKilled = true;
    this.exit('SIGKILL', false);
  }

  says(message: FromInstance): void {
    this.#listener.onMessage(message);
  }

  serves(url = 'http://127.0.0.1:4321/mcp'): void {
    const settings = {
      monitor: undefined,
      alertThresholds: undefined,
      alerts: {},
      scaling: undefined,
      stateCharacters: 2 ** 24,
    };
    this.says({ kind: 'started', url, server: { name: 'fake', version: '1' }, settings });
  }

  beats(): void {
    this.says({ kind: 'beat' });
  }

  exit(cause = 'code 0', isClean = true): void {
    this.#listener.onExit({ cause, isClean });
  }

  /** The kinds of what it was told. */
  get told(): string[] {
    return this.received.map(({ kind }) => kind);
  }
}

/** Launches fakes, and remembers them in order. */
export class FakeLauncher implements Launcher {
  readonly kind: Launcher['kind'];
  readonly launched: FakeInstance[] = [];

  readonly #isObedient: boolean;

  /** @param isObedient Whether instances end at once when they are to drain; otherwise the test says when. */
  constructor(kind: Launcher['kind'] = 'process', isObedient = false) {
    this.kind = kind;
    this.#isObedient = isObedient;
  }

  launch(place: InstancePlace, listener: InstanceListener): FakeInstance {
    const instance = new FakeInstance(100 + this.launched.length, place, listener, this.#isObedient);
    this.launched.push(instance);
    return instance;
  }

  /** The instance launched as number so and so, from 0. */
  at(index: number): FakeInstance {
    const instance = this.launched[index];
    if (instance === undefined) throw new Error(`only ${this.launched.length} instances were launched`);
    return instance;
  }

  /** Those that live beat until so much time is over. */
  beatFor(clock: LateClock, ms: number, silent: readonly FakeInstance[] = []): void {
    for (let passed = 0; passed < ms; passed += 250) {
      clock.advance(250);
      for (const instance of this.launched) if (!silent.includes(instance)) instance.beats();
    }
  }
}

export function fakeOptions(options: Partial<SupervisorOptions> = {}) {
  const clock = new LateClock();
  const machine = { cores: 4, memoryBytes: 8 * 2 ** 30 };
  const file = fileURLToPath(import.meta.url);
  const given = { file, clock, machine, random: () => 0.5, logger: false as const, ...options };
  return { clock, given, resolved: resolveSupervisorOptions(given) };
}

/** Lets promises that are settled be heard of. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => void setImmediate(resolve));
}
