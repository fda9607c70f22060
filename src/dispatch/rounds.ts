import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import type { Clock } from '../kernel/clock.ts';
import { ErrorCode, isObject, ProtocolError } from '../wire/wire.ts';
import type { Call, Params } from './call.ts';
import { InternalFault, type ResultWriter } from './result-writer.ts';

/** How the state of multi-round-trip requests is sealed. */
export interface RoundOptions {
  /** What the key is derived from. Instances that share clients must share it; by default a random one for the process. */
  readonly secret: string | undefined;
  /** How long a client may take for one round, in seconds. */
  readonly ttlSeconds: number;
}

/** What a legacy client is told of a call that needs more input. */
export const NEEDS_MODERN_CLIENT = 'This call needs input that only clients of protocol revision 2026-07-28 can give';

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
  readonly #clock: Clock;
  readonly #writer: ResultWriter;

  constructor(options: RoundOptions, clock: Clock, writer: ResultWriter) {
    const secret = options.secret === undefined ? randomBytes(32) : Buffer.from(options.secret, 'utf8');
    this.#key = Buffer.from(hkdfSync('sha256', secret, '', 'peregrine request state', 32));
    this.#ttlMs = options.ttlSeconds * 1_000;
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
    if (call.era === 'legacy') {
      throw new ProtocolError(ErrorCode.InternalError, NEEDS_MODERN_CLIENT);
    }
    const { inputRequests, requestState } = result;
    if (inputRequests === undefined && requestState === undefined) {
      throw new InternalFault(
        new TypeError(`${call.method} "${call.target}": input_required needs inputRequests or requestState`),
      );
    }
    if (inputRequests !== undefined) this.check(inputRequests, call);
    call.outcome = 'input_required';
    if (requestState === undefined) return this.#writer.inputRequired(result);
    if (typeof requestState !== 'string')
      throw new InternalFault(new TypeError(`${call.method} "${call.target}": requestState must be a string`));
    return this.#writer.inputRequired({
      ...result,
      requestState: this.#seal(requestState, binding(params ?? {}, call)),
    });
  }

  /** Whether a handler may ask its client for this. @throws {ProtocolError} -32021 when the client cannot give it. */
  check(inputRequests: unknown, call: Call): void {
    if (!isObject(inputRequests))
      throw new InternalFault(new TypeError(`${call.target}: inputRequests must be an object`));
    const missing: { [capability: string]: { [mode: string]: object } } = {};
    for (const request of Object.values(inputRequests)) {
      const need = neededCapability(request);
      if (need === undefined)
        throw new InternalFault(new TypeError(`${call.target}: an input request has no known method`));
      const [name, mode] = need;
      if (!isDeclared(call.clientCapabilities[name], mode))
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

type CapabilityNeed = readonly [name: 'elicitation' | 'sampling' | 'roots', mode?: 'form' | 'url' | 'tools'];

/** Whether a client declares what is needed. Elicitation without any mode means forms. */
function isDeclared(declared: unknown, mode: CapabilityNeed[1]): boolean {
  if (!isObject(declared)) return false;
  if (mode === undefined || declared[mode] !== undefined) return true;
  return mode === 'form' && declared['url'] === undefined;
}

function neededCapability(request: unknown): CapabilityNeed | undefined {
  if (!isObject(request)) return undefined;
  const params = isObject(request['params']) ? request['params'] : {};
  switch (request['method']) {
    case 'elicitation/create':
      return ['elicitation', params['mode'] === 'url' ? 'url' : 'form'];
    case 'sampling/createMessage':
      return params['tools'] === undefined ? ['sampling'] : ['sampling', 'tools'];
    case 'roots/list':
      return ['roots'];
    default:
      return undefined;
  }
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
