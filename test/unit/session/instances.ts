import {
  ClientRequests,
  type EventSink,
  type LiveSession,
  type ResolvedSessions,
  resolveSessions,
  SessionDirectory,
} from '../../../src/session/session.ts';
import { MemoryStateStore, type MessageBus, type StateStore, StateStoreError } from '../../../src/state/state.ts';
import { FakeClock } from '../../../src/testing/testing.ts';

type Listener = (text: string) => void;

/** The buses of several instances: each message arrives at the own instance at once, at the others a little later. */
export class Network {
  readonly #listeners = new Map<string, Map<Listener, string>>();

  join(instance: string): MessageBus {
    return {
      instance,
      publish: (channel, text) => {
        for (const [listener, of] of [...(this.#listeners.get(channel) ?? [])])
          if (of === instance) listener(text);
          else queueMicrotask(() => listener(text));
      },
      subscribe: (channel, listener) => {
        const listeners = this.#listeners.get(channel) ?? new Map<Listener, string>();
        this.#listeners.set(channel, listeners.set(listener, instance));
        return () => listeners.delete(listener);
      },
    };
  }

  /** An instance is gone: it hears nothing any more. */
  leave(instance: string): void {
    for (const listeners of this.#listeners.values())
      for (const [listener, of] of listeners) if (of === instance) listeners.delete(listener);
  }

  /** Listeners of all instances together. */
  get listeners(): number {
    return [...this.#listeners.values()].reduce((sum, { size }) => sum + size, 0);
  }
}

/** A store that answers later, as one behind a network does, and can be away. */
export function laterStore(store: MemoryStateStore): {
  readonly store: StateStore;
  isAway: boolean;
  /** Most calls that waited for their answers at once. */
  most: number;
} {
  const state = { isAway: false, most: 0 };
  let waiting = 0;
  const handler: ProxyHandler<MemoryStateStore> = {
    get(target, name) {
      if (name === 'kind') return 'supervisor';
      const member = Reflect.get(target, name, target) as unknown;
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]) => {
        state.most = Math.max(state.most, ++waiting);
        await Promise.resolve();
        waiting--;
        if (state.isAway) throw new StateStoreError('the store is away');
        return (member as (...given: unknown[]) => unknown).apply(target, args);
      };
    },
  };
  return Object.assign(state, { store: new Proxy(store, handler) as unknown as StateStore });
}

/** One instance's sessions. */
export class Instance {
  readonly requests: ClientRequests;
  readonly directory: SessionDirectory;
  readonly faults: unknown[] = [];

  constructor(store: StateStore, messages: MessageBus, clock: FakeClock, given: Partial<ResolvedSessions> = {}) {
    const options = resolveSessions({ mode: true, ...given });
    this.requests = new ClientRequests({ clock, messages, timeoutMs: 60_000, maxPerClient: 64, maxInAll: 1_000 });
    const fault = (error: unknown): void => void this.faults.push(error);
    this.directory = new SessionDirectory({ store, messages, clock, options, requests: this.requests, fault });
  }

  open(principal = '', version = '2025-11-25'): Promise<LiveSession> {
    const client = { info: { name: 'c', version: '1' }, capabilities: {} };
    return this.directory.create({ principal, version, ...client, logLevel: undefined, watched: [] });
  }

  async find(id: string, principal = ''): Promise<LiveSession | undefined> {
    return this.directory.find(id, principal);
  }
}

/** Several instances with one store. */
export function instances(
  count: number,
  { isLater = true, ...options }: Partial<ResolvedSessions> & { readonly isLater?: boolean } = {},
) {
  const clock = new FakeClock();
  const memory = new MemoryStateStore(clock);
  const later = laterStore(memory);
  const network = new Network();
  const begin = (n: number): Instance =>
    new Instance(isLater ? later.store : memory, network.join(`instance-${n}`), clock, options);
  const all = Array.from({ length: count }, (_, n) => begin(n));
  return { clock, memory, later, network, all: all as [Instance, Instance, ...Instance[]], begin };
}

/** An answer that is an event stream, as a client sees it. */
export class Sink implements EventSink {
  readonly events: (readonly [id: string | undefined, text: string])[] = [];
  closed = false;
  isFinished = false;
  isOpen = false;
  onClose: (() => void) | undefined;

  open(id: string | undefined): void {
    this.isOpen = true;
    if (id !== undefined) this.events.push([id, '']);
  }

  notify(text: string, id?: string): void {
    if (!this.closed && !this.isFinished) this.events.push([id, text]);
  }

  finish(): void {
    this.isFinished = true;
  }

  /** The client leaves. */
  leave(): void {
    this.closed = true;
    this.onClose?.();
  }

  get texts(): string[] {
    return this.events.map(([, text]) => text).filter((text) => text !== '');
  }

  get lastId(): string {
    return this.events.findLast(([id]) => id !== undefined)?.[0] ?? '';
  }
}
