import type { Dispatcher } from '../dispatch/dispatch.ts';
import { type Clock, MAX_TIMER_MS } from '../kernel/clock.ts';
import type { Random } from '../kernel/random.ts';
import {
  acknowledgement,
  ErrorCode,
  honouredFilter,
  MetaKey,
  ProtocolError,
  readFilter,
  type SubscriptionFilter,
  taggedText,
} from '../wire/wire.ts';
import type { RequestContext } from './request-context.ts';

/** A change that clients may have asked to hear of. */
export type ChangeEvent =
  | { readonly kind: 'tools' | 'resources' | 'prompts' }
  | { readonly kind: 'resource'; readonly uri: string };

/** Carries changes to everyone who serves clients: inside the process, or over instances. */
export interface ChangeBus {
  publish(event: ChangeEvent): void;
  /** @returns What ends the subscription. */
  subscribe(listener: (event: ChangeEvent) => void): () => void;
}

/** A bus inside this process. */
export function createLocalBus(): ChangeBus {
  const listeners = new Set<(event: ChangeEvent) => void>();
  return {
    publish: (event) => {
      for (const listener of [...listeners]) listener(event);
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Bounds of `subscriptions/listen`. */
export interface SubscriptionLimits {
  /** Open streams at once. */
  readonly maxSubscriptions: number;
  /** Resources that one stream may watch. */
  readonly maxWatchedResources: number;
}

/** The notification of a change, as method and parameters. */
export function changeNotification(
  event: ChangeEvent,
): readonly [method: string, params: Record<string, unknown> | undefined] {
  return event.kind === 'resource'
    ? ['notifications/resources/updated', { uri: event.uri }]
    : [`notifications/${event.kind}/list_changed`, undefined];
}

/** Where the times come from at which streams end. */
export interface Pace {
  readonly clock: Clock;
  readonly random: Random;
}

/** Streams that end together; more of them end over some time, so many of it for each. */
const AT_ONCE = 16;
const SPREAD_MS = 2;
const MAX_SPREAD_MS = 5_000;

interface Stream {
  readonly call: RequestContext;
  /** What it carries: nothing until it is acknowledged. */
  filter: SubscriptionFilter;
  watched: ReadonlySet<string>;
}

/** The open `subscriptions/listen` streams of this process. */
export class Subscriptions {
  readonly #limits: SubscriptionLimits;
  readonly #pace: Pace;
  readonly #dispatcher: Dispatcher;
  readonly #streams = new Set<Stream>();
  readonly #unsubscribe: () => void;
  #closed = false;

  constructor(limits: SubscriptionLimits, dispatcher: Dispatcher, bus: ChangeBus, pace: Pace) {
    this.#pace = pace;
    this.#limits = limits;
    this.#dispatcher = dispatcher;
    this.#unsubscribe = bus.subscribe((event) => this.#deliver(event));
  }

  get open(): number {
    return this.#streams.size;
  }

  /**
   * Opens a stream: acknowledges it, and keeps it until the client leaves or the server closes.
   *
   * @throws {ProtocolError} -32602 without a valid filter, -32010 when too many are open or the server is closing.
   */
  listen(call: RequestContext): void {
    const requested = readFilter(call.params?.['notifications'], this.#limits.maxWatchedResources);
    if (this.#closed || this.#streams.size >= this.#limits.maxSubscriptions) {
      throw new ProtocolError(
        ErrorCode.Overloaded,
        this.#closed ? 'The server is stopping' : 'Too many subscriptions are open',
      );
    }
    if (!call.exchange.canStream)
      throw new ProtocolError(ErrorCode.InvalidRequest, 'subscriptions/listen needs Accept: text/event-stream');
    const filter = honouredFilter(requested, this.#dispatcher.capabilities());
    const stream: Stream = { call, filter: {}, watched: new Set() };
    this.#streams.add(stream);
    call.whenSettled(() => {
      this.#streams.delete(stream);
      if (this.#closed && this.#streams.size === 0) this.#unsubscribe();
    });
    const { taskIds } = requested;
    if (taskIds === undefined || !this.#dispatcher.runsTasks) this.#begin(stream, filter);
    else this.#beginWithTasks(stream, filter, taskIds).catch((error: unknown) => call.fail(error));
  }

  #begin(stream: Stream, filter: SubscriptionFilter): void {
    stream.filter = filter;
    stream.watched = new Set(filter.resourceSubscriptions);
    stream.call.exchange.notify(acknowledgement(stream.call.id, filter));
    this.#endInTime(stream);
  }

  /** A stream may outlive the token that it began with: then its client comes back with another one. */
  #endInTime(stream: Stream): void {
    const { expiresAt } = stream.call.auth ?? {};
    if (expiresAt === undefined) return;
    const { clock } = this.#pace;
    const leftMs = Math.max(0, expiresAt * 1_000 - clock.wallNow());
    stream.call.whenSettled(clock.after(Math.min(leftMs, MAX_TIMER_MS), () => this.#end(stream)));
  }

  /** A stream that tells of tasks too, first of all how they are: one may have changed before anybody listened. */
  async #beginWithTasks(stream: Stream, filter: SubscriptionFilter, taskIds: readonly string[]): Promise<void> {
    const { call } = stream;
    const tell = (task: object): void =>
      call.exchange.notify(taggedText(call.id, 'notifications/tasks', task as Record<string, unknown>));
    const { ids, begin, end } = await this.#dispatcher.tasks.watch(taskIds, call, tell);
    if (call.settled) return;
    call.whenSettled(end);
    this.#begin(stream, { ...filter, ...(ids.length === 0 ? {} : { taskIds: [...ids] }) });
    begin();
  }

  /** Ends every stream with its empty result; many not at once, for their clients come back elsewhere. */
  close(): void {
    this.#closed = true;
    const { clock, random } = this.#pace;
    const spreadMs = this.#streams.size <= AT_ONCE ? 0 : Math.min(MAX_SPREAD_MS, this.#streams.size * SPREAD_MS);
    for (const stream of [...this.#streams]) {
      if (spreadMs === 0) this.#end(stream);
      else clock.after(random() * spreadMs, () => this.#end(stream));
    }
    if (this.#streams.size === 0) this.#unsubscribe();
  }

  #end({ call }: Stream): void {
    call.complete(this.#dispatcher.writer.complete({ _meta: { [MetaKey.subscriptionId]: call.id } }, call));
  }

  #deliver(event: ChangeEvent): void {
    const [method, params] = changeNotification(event);
    for (const { call, filter, watched } of this.#streams) {
      const wanted = event.kind === 'resource' ? watched.has(event.uri) : filter[`${event.kind}ListChanged`] === true;
      if (wanted) call.exchange.notify(taggedText(call.id, method, params));
    }
  }
}

/** Joins changes of one kind that follow each other within a turn of the event loop. */
export function createChangePublisher(bus: ChangeBus): (kind: 'tools' | 'resources' | 'prompts') => void {
  const waiting = new Set<'tools' | 'resources' | 'prompts'>();
  return (kind) => {
    if (waiting.size === 0) {
      queueMicrotask(() => {
        const kinds = [...waiting];
        waiting.clear();
        for (const each of kinds) bus.publish({ kind: each });
      });
    }
    waiting.add(kind);
  };
}
