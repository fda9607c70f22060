import {
  acknowledgement,
  ErrorCode,
  honouredFilter,
  MetaKey,
  ProtocolError,
  readFilter,
  type SubscriptionFilter,
  taggedText,
} from '../../wire/wire.ts';
import type { FrontRequest } from './front-request.ts';
import type { Description } from './peer.ts';

/** What of a server can change. */
export type ChangeKind = 'tools' | 'resources' | 'prompts';

export const CHANGE_KINDS: readonly ChangeKind[] = Object.freeze(['tools', 'resources', 'prompts']);

interface Stream {
  readonly front: FrontRequest;
  readonly filter: SubscriptionFilter;
  readonly description: Description;
}

const MAX_WATCHED = 1_000;

/** The open `subscriptions/listen` streams of an endpoint that others answer. */
export class Listeners {
  readonly #maxStreams: number;
  readonly #streams = new Set<Stream>();
  #closed = false;

  constructor(maxStreams: number) {
    this.#maxStreams = maxStreams;
  }

  get open(): number {
    return this.#streams.size;
  }

  /** Acknowledges a stream and keeps it. @throws {ProtocolError} */
  listen(front: FrontRequest, description: Description): void {
    const requested = readFilter(front.params['notifications'], MAX_WATCHED);
    if (this.#closed || this.#streams.size >= this.#maxStreams)
      throw new ProtocolError(
        ErrorCode.Overloaded,
        this.#closed ? 'The server is stopping' : 'Too many subscriptions are open',
      );
    if (!front.exchange.canStream)
      throw new ProtocolError(ErrorCode.InvalidRequest, 'subscriptions/listen needs Accept: text/event-stream');
    const filter = honouredFilter(requested, description.capabilities);
    const stream: Stream = { front, filter, description };
    this.#streams.add(stream);
    front.whenSettled(() => this.#streams.delete(stream));
    front.exchange.notify(acknowledgement(front.id, filter));
  }

  deliver(kind: ChangeKind): void {
    for (const { front, filter } of this.#streams)
      if (filter[`${kind}ListChanged`] === true)
        front.exchange.notify(taggedText(front.id, `notifications/${kind}/list_changed`, undefined));
  }

  /** Ends every stream with its empty result. */
  close(): void {
    this.#closed = true;
    for (const { front, description } of [...this.#streams])
      front.succeed(description.writer.complete({ _meta: { [MetaKey.subscriptionId]: front.id } }));
  }
}
