import { Cache, resolveCacheOptions } from '../../../src/cache/cache.ts';
import { Dispatcher } from '../../../src/dispatch/dispatch.ts';
import type { Clock } from '../../../src/kernel/clock.ts';
import { resolveCacheHints } from '../../../src/protocol/protocol.ts';
import { RequestContext } from '../../../src/protocol/request-context.ts';
import { Registry } from '../../../src/registry/registry.ts';
import { createEngineSignals } from '../../../src/signal/signal.ts';
import { LocalMessageBus, MemoryStateStore, type MessageBus, type StateStore } from '../../../src/state/state.ts';
import { resolveTasks, type TasksOptions } from '../../../src/tasks/tasks.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import type { Exchange } from '../../../src/transport/transport.ts';
import { type DetailedTask, MetaKey, TASKS_EXTENSION } from '../../../src/wire/wire.ts';
import { envelope, type Rpc } from './messages.ts';
import { settle } from './test-server.ts';

/** What a client says that follows tasks and answers questions. */
export const FOLLOWS = Object.freeze({ elicitation: {}, extensions: { [TASKS_EXTENSION]: {} } });

/** What instances of one server share. */
export interface SharedState {
  readonly store: StateStore;
  readonly bus: MessageBus;
  readonly clock: FakeClock;
}

export function sharedState(clock = new FakeClock()): SharedState {
  return { store: new MemoryStateStore(clock), bus: new LocalMessageBus(), clock };
}

/** A clock that stops with its instance. */
class InstanceClock implements Clock {
  readonly #clock: Clock;
  isDead = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }
  now = (): number => this.#clock.now();
  wallNow = (): number => this.#clock.wallNow();
  after = (ms: number, run: () => void) => this.#clock.after(ms, () => void (this.isDead || run()));
  every = (ms: number, run: () => void) => this.#clock.every(ms, () => void (this.isDead || run()));
}

interface AskOptions {
  readonly principal?: string | undefined;
  readonly capabilities?: Record<string, unknown>;
}

/** The dispatch of one instance among several that share a store and a bus, without a transport. */
export class TaskInstance {
  readonly registry = new Registry();
  readonly signals = createEngineSignals();
  readonly dispatcher: Dispatcher;
  readonly faults: unknown[] = [];
  readonly clock: InstanceClock;
  #lastId = 0;

  constructor(name: string, { store, bus, clock }: SharedState, tasks: TasksOptions = {}) {
    this.clock = new InstanceClock(clock);
    const isDead = (): boolean => this.clock.isDead;
    const messages: MessageBus = {
      instance: name,
      publish: (channel, text) => void (isDead() || bus.publish(channel, text)),
      subscribe: (channel, listener) => bus.subscribe(channel, (text) => void (isDead() || listener(text))),
    };
    this.signals.fault.on(({ error }) => this.faults.push(error));
    const options = resolveCacheOptions(undefined, 'test');
    this.dispatcher = new Dispatcher({
      cache: new Cache({ options, clock, random: () => 0.5, signal: this.signals.cache }),
      ...{ registry: this.registry, signals: this.signals, clock: this.clock },
      serverInfo: { name: 'tasks', version: '1.0.0' },
      ...{ instructions: undefined, pageSize: 50, maxUriLength: 4_096 },
      rounds: { secret: 'a secret of sixteen', ttlSeconds: 600 },
      cacheHints: resolveCacheHints(undefined),
      tasks: { store, messages, options: resolveTasks(tasks) },
    });
  }

  /** From now on nothing of it runs any more, as if its process had been killed. */
  kill(): void {
    this.clock.isDead = true;
  }

  /** Asks as a client does; what is sent ahead of the answer is dropped. */
  async ask(method: string, params: Record<string, unknown> = {}, options: AskOptions = {}): Promise<Rpc> {
    const { capabilities = FOLLOWS } = options;
    const { promise, resolve } = Promise.withResolvers<Rpc>();
    const exchange: Exchange = {
      ...{ head: undefined, closed: false, onClose: undefined, canStream: true, notify: () => {} },
      respond: (_status, text) => resolve(JSON.parse(text) as Rpc),
    };
    const whole = { ...params, _meta: envelope({ capabilities }) };
    const message = { jsonrpc: '2.0', id: ++this.#lastId, method, params: whole } as const;
    const call = new RequestContext(exchange, 'modern', message, undefined, this);
    Object.assign(call, { principal: 'principal' in options ? options.principal : '' });
    const handler = this.dispatcher.findModern(method);
    if (handler === undefined) throw new Error(`no such method: ${method}`);
    try {
      call.take(handler(call.params, call));
    } catch (error) {
      call.fail(error);
    }
    return promise;
  }

  /** Calls a tool that becomes a task. */
  async begin(tool: string, args: Record<string, unknown> = {}, options: AskOptions = {}): Promise<DetailedTask> {
    const { result, error } = await this.ask('tools/call', { name: tool, arguments: args }, options);
    if (result?.resultType !== 'task') throw new Error(`no task: ${JSON.stringify(result ?? error)}`);
    await settle();
    return result as unknown as DetailedTask;
  }

  /** How a task is. */
  async get(taskId: string, options: AskOptions = {}): Promise<DetailedTask> {
    const { result, error } = await this.ask('tasks/get', { taskId }, options);
    if (result === undefined) throw new Error(`${error?.code} ${error?.message}`);
    const { resultType, _meta, ...task } = result;
    if (resultType !== 'complete' || (_meta as Record<string, unknown>)[MetaKey.serverInfo] === undefined)
      throw new Error('not a complete result');
    return task as unknown as DetailedTask;
  }
}
