/** The header fields of an HTTP request that the protocol reads. Names are lower-case, values trimmed. */
export interface RequestHead {
  readonly accept: string | undefined;
  readonly authorization: string | undefined;
  readonly protocolVersion: string | undefined;
  readonly mcpMethod: string | undefined;
  readonly mcpName: string | undefined;
  readonly sessionId: string | undefined;
  readonly lastEventId: string | undefined;
  /** The `Mcp-Param-*` fields by their lower-case names after that prefix; nothing where there are none. */
  readonly params: ReadonlyMap<string, string> | undefined;
  /** What the protocol remembers of the requests under this header block: a connection that repeats it gives one head for all. */
  memo: unknown;
  /** What the protocol knows of who sends this header block, once that is checked. */
  access: unknown;
  /** The path that was asked for; nothing where whoever called has routed. */
  readonly path: string | undefined;
  /** Any field by its lower-case name. Looked up when asked for. */
  field(name: string): string | undefined;
  /** All fields, in the web platform's form. Built when asked for. */
  all(): Headers;
  /** Tells each field line as it was sent, the name in whatever case. */
  each(visit: (name: string, value: string) => void): void;
}

/** A response header beyond those that every answer has. */
export type ExtraHeaders = readonly (readonly [name: string, value: string])[];

/** An answer that is passed on in pieces as they come. */
export interface Relay {
  /** Runs when a client that was slow can take more. One listener; the last one counts. */
  onDrain: (() => void) | undefined;
  /** Sends a piece, which the caller may overwrite afterwards. False: the client is slow, wait for {@link onDrain}. */
  write(piece: Buffer): boolean;
  end(): void;
  /** Ends the connection at once: there will be no whole answer. */
  cut(): void;
}

/**
 * One request on its way through the server, and the way back for its answer.
 *
 * A transport makes one for each request; it keeps that request's state alone, so requests with equal ids never meet.
 */
export interface Exchange {
  /** The HTTP header; nothing on other transports. */
  readonly head: RequestHead | undefined;
  /** Whether the client has gone: nothing that is sent now can arrive. */
  readonly closed: boolean;
  /** Runs once when the client goes away before the answer is complete. One listener; the last one counts. */
  onClose: (() => void) | undefined;
  /** Whether messages can be sent ahead of the answer. */
  readonly canStream: boolean;
  /**
   * Sends one message ahead of the answer; over HTTP this turns the answer into an event stream.
   *
   * @param eventId What the client may resume after.
   */
  notify(text: string, eventId?: string): void;
  /** Sends a message ahead of the answer that must not be left out, where {@link notify} may leave out some for a slow client. */
  insist?(text: string): void;
  /** Turns the answer into an event stream before there is a message. Only over HTTP. */
  open?(eventId: string | undefined, retryMs: number): void;
  /** Ends an event stream without an answer. Only over HTTP. */
  finish?(): void;
  /**
   * Sends the answer: the text, then the bytes if any. Without both it is empty.
   *
   * Nothing happens after the first answer, or when the client has gone.
   */
  respond(status: number, text: string, bytes?: Uint8Array, headers?: ExtraHeaders): void;
  /** Who is at the other end of the connection; nothing where there is none. */
  readonly remoteAddress?: string | undefined;
  /**
   * Answers with bytes of somebody else as they come. Only over HTTP; nothing when there was an answer, or the client has gone.
   *
   * @param headerLines Whole header lines, those of connection and length left out.
   * @param length Of all pieces together, where it is known; otherwise the answer is sent in chunks.
   */
  relay?(status: number, headerLines: string, length: number | undefined): Relay | undefined;
  /** No answer will come: the client cancelled the request. Only carriers that wait for all answers need to know. */
  abandon?(): void;
}

/** The other end of a connection that carries one message after the other, such as stdio. */
export interface MessageSink {
  /** The HTTP header under which it was opened; nothing on other transports. */
  readonly head?: RequestHead | undefined;
  /** Whether so much waits for the other end that what is no answer is left out. @default false */
  readonly isSlow?: boolean;
  send(text: string, bytes?: Uint8Array): void;
}

/** What a server makes of such a connection. */
export interface MessageConnection {
  /** Takes one message as text. */
  receive(text: string): void;
  /** Answers a message that was too long to read. */
  reject(reason: string): void;
  /** Resolves when every request received so far is answered. */
  settled(): Promise<void>;
  /** The other end is gone: cancels what runs. */
  close(): void;
}

/** What a transport needs of the server behind it. `protocol/` implements it. */
export interface Acceptor {
  /** Takes a posted body. Content type, size, Host and Origin have been checked. */
  post(exchange: Exchange, body: string): void;
  /** Takes any other method on the endpoint. */
  other(exchange: Exchange, method: string): void;
  /** Takes over a connection of messages. */
  connect(sink: MessageSink): MessageConnection;
}
