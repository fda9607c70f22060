import { type Access, type Authorization, Denial } from '../authorization/authorization.ts';
import type { Clock } from '../kernel/clock.ts';
import type { EngineSignals } from '../signal/signal.ts';
import type { Exchange, ExtraHeaders, MessageSink, Page } from '../transport/transport.ts';
import { type AuthInfo, ErrorCode, errorText, idOf, RESOURCE_METADATA_PATH } from '../wire/wire.ts';

/** What a gate needs to know of a message. */
export interface GatedMessage {
  readonly method: string;
  readonly params?: Record<string, unknown> | undefined;
}

/** What a gate is made of. */
export interface GateParts {
  readonly authorization: Authorization;
  readonly clock: Clock;
  readonly signals: Pick<EngineSignals, 'fault'>;
  /** The scopes that a request needs by what it is about. */
  neededScopes(method: string, params: Record<string, unknown> | undefined): readonly string[];
}

/** Who asks, where that has been checked. */
export function authOf({ head }: Exchange): AuthInfo | undefined {
  return (head?.access as Access | undefined)?.info;
}

/** Who asks. Credentials that nothing checks name nobody, and yet answers may depend on them. */
export function principalOf({ head }: Pick<MessageSink, 'head'>): string | undefined {
  if (head === undefined) return '';
  if (head.access !== undefined) return (head.access as Access).principal;
  return head.authorization === undefined ? '' : undefined;
}

/** Stands before everything that comes over HTTP, where the server has authorization. */
export class Gate {
  readonly #parts: GateParts;

  constructor(parts: GateParts) {
    this.#parts = parts;
  }

  /**
   * Whether who sent this header block is known.
   *
   * HOT: a connection that repeats its block costs this comparison; guarded by `npm run bench`.
   */
  knows({ head }: Exchange): boolean {
    const access = head?.access as Access | undefined;
    return access !== undefined && access.expiresAt > this.#parts.clock.wallNow();
  }

  /** Lets a request go on whose sender is known, or once its token is checked; otherwise answers it. */
  guard(exchange: Exchange, run: () => void): void {
    if (this.knows(exchange)) run();
    else this.admit(exchange, run);
  }

  /** Lets a request go on once its token is checked, or answers it. */
  admit(exchange: Exchange, run: () => void): void {
    const found = this.#parts.authorization.admit(exchange.head?.authorization);
    if (!(found instanceof Promise)) {
      this.#decide(exchange, found, run);
      return;
    }
    found
      .then((later) => this.#decide(exchange, later, run))
      .catch((error: unknown) => {
        this.#parts.signals.fault.emit({ where: 'http', error });
        exchange.respond(500, errorText(undefined, ErrorCode.InternalError, 'Internal error'));
      });
  }

  #decide(exchange: Exchange, found: Access | Denial, run: () => void): void {
    const { head } = exchange;
    if (found instanceof Denial || head === undefined) {
      if (found instanceof Denial) this.#refuse(exchange, found, undefined);
      return;
    }
    head.access = found;
    const lacking = this.#parts.authorization.lacking(found, []);
    if (lacking === undefined) run();
    else this.#refuse(exchange, lacking, undefined);
  }

  /** Whether the token lacks a scope that one of these messages needs. */
  lacks(exchange: Exchange, messages: readonly GatedMessage[]): Denial | undefined {
    const { authorization, neededScopes } = this.#parts;
    const needed = messages.flatMap(({ method, params }) => neededScopes(method, params));
    return needed.length === 0 ? undefined : authorization.lacking(exchange.head?.access as Access, needed);
  }

  /** Answers messages whose sender lacks a scope; false where it does not. */
  refuses(exchange: Exchange, messages: readonly GatedMessage[]): boolean {
    const denial = this.lacks(exchange, messages);
    if (denial !== undefined) this.#refuse(exchange, denial, messages.length === 1 ? messages[0] : undefined);
    return denial !== undefined;
  }

  #refuse(exchange: Exchange, denial: Denial, message: GatedMessage | undefined): void {
    const { status, description } = denial;
    const challenge = this.#parts.authorization.challenge(denial);
    const headers: ExtraHeaders = challenge === undefined ? [['Retry-After', '1']] : [['WWW-Authenticate', challenge]];
    const code = status === 503 ? ErrorCode.Overloaded : ErrorCode.BadHttpRequest;
    exchange.respond(status, errorText(idOf(message), code, description), undefined, headers);
  }
}

const METADATA_HEADERS: ExtraHeaders = [
  ['Cache-Control', 'public, max-age=300'],
  ['Access-Control-Allow-Origin', '*'],
];

/** The pages by which clients learn where tokens come from, for an endpoint under a path (RFC 9728, 3). */
export function metadataPages(authorization: Authorization, path: string): Map<string, Page> {
  const page: Page = {
    methods: ['GET'],
    isPublic: true,
    serve(exchange) {
      const text = authorization.metadata();
      if (text === undefined) exchange.respond(404, errorText(undefined, ErrorCode.BadHttpRequest, 'Not found'));
      else exchange.respond(200, text, undefined, METADATA_HEADERS);
    },
  };
  const paths = [path, authorization.resourcePath ?? path, ''].map((end) => (end === '/' ? '' : end));
  return new Map(paths.map((end) => [RESOURCE_METADATA_PATH + end, page]));
}
