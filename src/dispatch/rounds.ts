import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from '../kernel/clock.ts';
import { PeregrineError } from '../kernel/errors.ts';
import { clientNeedOf, declares, ErrorCode, isObject, ProtocolError } from '../wire/wire.ts';
import type { Call, Params } from './call.ts';
import { InternalFault, type ResultWriter, toPeregrineError } from './result-writer.ts';

/** How the state of multi-round-trip requests is sealed. */
export interface RoundOptions {
  /** What the key is derived from. Instances that share clients must share it; by default a random one for the process. */
  readonly secret: string | undefined;
  /** How long a client may take for one round, in seconds. */
  readonly ttlSeconds: number;
  /** How often the handler of one legacy call may ask. @default 16 */
  readonly maxLegacyRounds?: number;
}

/** What a legacy client is told of a call that needs more input, where it cannot be asked. */
const NEEDS_MODERN_CLIENT = 'This call needs input that only clients of protocol revision 2026-07-28 can give';

/** What a legacy client is told of a call for which it did not give what was asked of it. */
export function askFailure({ code, message }: PeregrineError): string {
  return code === 'CLIENT_UNREACHABLE'
    ? NEEDS_MODERN_CLIENT
    : `The input that this call needs was not given: ${message}`;
}

/** How long a handler that only handed on its state waits for its next round. */
const PAUSE_MS = 250;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * The rounds of a multi-round-trip request: checks what a handler asks for against what the client can do, and seals the
 * state that travels through the client (AES-256-GCM, bound to principal, method, arguments and expiry).
 *
 * @see MCP 2026-07-28, basic/patterns/mrtr, server requirements
 */
export class Rounds {
  readonly #key: Buffer;
  readonly #ttlMs: number;
  readonly #maxLegacyRounds: number;
  readonly #clock: Clock;
  readonly #writer: ResultWriter;

  constructor(options: RoundOptions, clock: Clock, writer: ResultWriter) {
    const secret = options.secret === undefined ? randomBytes(32) : Buffer.from(options.secret, 'utf8');
    this.#key = Buffer.from(hkdfSync('sha256', secret, '', 'peregrine request state', 32));
    this.#ttlMs = options.ttlSeconds * 1_000;
    this.#maxLegacyRounds = options.maxLegacyRounds ?? 16;
    this.#clock = clock;
    this.#writer = writer;
  }

  /** Opens the state that a retried request carries. @throws {ProtocolError} -32602 when it is not ours, not its, or too old. */
  open(params: Record<string, unknown>, call: Call): void {
    const sealed = params['requestState'];
    if (sealed === undefined) return;
    const state = typeof sealed === 'string' ? this.#unseal(sealed, binding(params, call)) : undefined;
    if (state === undefined) throw new ProtocolError(ErrorCode.InvalidParams, 'Invalid or expired requestState');
    call.roundState = state;
  }

  /** The answer of a handler that needs more input. @throws {ProtocolError} -32021 when the client cannot give it. */
  answer(result: Record<string, unknown>, params: Params, call: Call): string {
    const { inputRequests, requestState } = readAsked(result, call);
    if (inputRequests !== undefined) this.check(inputRequests, call);
    call.outcome = 'input_required';
    if (requestState === undefined) return this.#writer.inputRequired(result);
    return this.#writer.inputRequired({
      ...result,
      requestState: this.#seal(requestState, binding(params ?? {}, call)),
    });
  }

  /**
   * Has a legacy client, which knows no rounds, answer what a handler asks for, by requests of the server's own; the handler is
   * to be entered again then. {@link asked} does both.
   *
   * @throws {PeregrineError} why there will be no further round.
   */
  async ask(result: Record<string, unknown>, call: Call): Promise<void> {
    const { inputRequests = {}, requestState } = readAsked(result, call);
    const count = (call.legacyRound?.count ?? 0) + 1;
    if (count > this.#maxLegacyRounds)
      throw new PeregrineError('TOO_MANY_ROUNDS', `it asked more than ${this.#maxLegacyRounds} times`);
    const asked = Object.entries(inputRequests);
    const responses = await this.#collect(asked, call);
    if (asked.length === 0) await new Promise<void>((resolve) => void this.#clock.after(PAUSE_MS, resolve));
    call.legacyRound = { count, responses };
    call.roundState = requestState;
    call.outcome = 'ok';
  }

  /**
   * Runs a handler until it asks a legacy client for nothing any more.
   *
   * @param first What it answered already.
   * @throws {ProtocolError} -32603 when the client gives no answer.
   */
  async asked(
    run: () => Promise<Record<string, unknown>>,
    call: Call,
    first?: Record<string, unknown>,
  ): Promise<Record<string, unknown>> {
    let result = first ?? (await run());
    while (result['resultType'] === 'input_required' && call.era === 'legacy') {
      try {
        await this.ask(result, call);
      } catch (error) {
        const known = toPeregrineError(error);
        throw known === undefined ? error : new ProtocolError(ErrorCode.InternalError, askFailure(known));
      }
      result = await run();
    }
    return result;
  }

  /** Asks all at once; with one that fails the others are of no use. */
  async #collect(asked: readonly (readonly [string, unknown])[], call: Call): Promise<Record<string, unknown>> {
    const others = new AbortController();
    const options = { timeout: this.#ttlMs, resetTimeoutOnProgress: true, signal: others.signal };
    const ask = async ([key, request]: readonly [string, unknown]) => {
      try {
        return [key, await call.mcpReq.send(toLegacyRequest(request, call), options)] as const;
      } catch (error) {
        others.abort(error);
        throw error;
      }
    };
    return Object.fromEntries(await Promise.all(asked.map(ask)));
  }

  /** Whether a handler may ask its client for this. @throws {ProtocolError} -32021 when the client cannot give it. */
  check(inputRequests: Record<string, unknown>, call: Call): void {
    const missing: { [capability: string]: { [mode: string]: object } } = {};
    for (const request of Object.values(inputRequests)) {
      const need = clientNeedOf(request);
      if (need === undefined) throw unknownKind(call);
      const [name, mode] = need;
      if (!declares(call.clientCapabilities, need))
        missing[name] = { ...missing[name], ...(mode === undefined ? {} : { [mode]: {} }) };
    }
    if (Object.keys(missing).length === 0) return;
    throw new ProtocolError(ErrorCode.MissingClientCapability, 'The client lacks a capability that this call needs', {
      requiredCapabilities: missing,
    });
  }

  #seal(state: string, bound: Buffer): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv).setAAD(bound);
    const plain = JSON.stringify({ state, expires: Math.ceil(this.#clock.wallNow() + this.#ttlMs) });
    const sealed = Buffer.concat([iv, cipher.update(plain, 'utf8'), cipher.final()]);
    return Buffer.concat([sealed, cipher.getAuthTag()]).toString('base64url');
  }

  #unseal(sealed: string, bound: Buffer): string | undefined {
    const bytes = Buffer.from(sealed, 'base64url');
    if (bytes.length <= IV_BYTES + TAG_BYTES || bytes.toString('base64url') !== sealed) return undefined;
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, IV_BYTES)).setAAD(bound);
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      const plain = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]).toString(
        'utf8',
      );
      const { state, expires } = JSON.parse(plain) as { state: string; expires: number };
      return expires > this.#clock.wallNow() ? state : undefined;
    } catch {
      return undefined;
    }
  }
}

/** What a handler asks for. @throws {InternalFault} when it is not written as the protocol has it. */
function readAsked(
  { inputRequests, requestState }: Record<string, unknown>,
  call: Call,
): { readonly inputRequests?: Record<string, unknown>; readonly requestState: string | undefined } {
  const where = `${call.method} "${call.target}"`;
  if (inputRequests === undefined && requestState === undefined)
    throw new InternalFault(new TypeError(`${where}: input_required needs inputRequests or requestState`));
  if (inputRequests !== undefined && !isObject(inputRequests))
    throw new InternalFault(new TypeError(`${where}: inputRequests must be an object`));
  if (requestState !== undefined && typeof requestState !== 'string')
    throw new InternalFault(new TypeError(`${where}: requestState must be a string`));
  return { ...(inputRequests === undefined ? {} : { inputRequests }), requestState };
}

function unknownKind({ target }: Call): InternalFault {
  return new InternalFault(new TypeError(`${target}: an input request has no known method`));
}

/** An input request as a legacy client knows it: the elicitation of a page has an id there. */
function toLegacyRequest(request: unknown, call: Call): { method: string; params?: Record<string, unknown> } {
  if (clientNeedOf(request) === undefined) throw unknownKind(call);
  const { method, params } = request as { method: string; params?: Record<string, unknown> };
  if (params === undefined) return { method };
  const isPage = method === 'elicitation/create' && params['mode'] === 'url';
  return { method, params: isPage ? { elicitationId: randomUUID(), ...params } : params };
}

/** What a state belongs to: the same principal, method and arguments, whatever their order. */
function binding(params: Record<string, unknown>, call: Call): Buffer {
  const { _meta, inputResponses, requestState, ...identity } = params;
  return createHash('sha256')
    .update(JSON.stringify([call.principal ?? '', call.method, sorted(identity)]))
    .digest();
}

/** A copy in which equal values read alike, and others do not: objects carry their keys in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const keys = Object.keys(value).sort();
  return { keys, values: keys.map((key) => sorted(value[key])) };
}
