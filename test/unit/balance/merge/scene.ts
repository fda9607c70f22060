import { MergedEndpoint, type MergedEndpointOptions } from '../../../../src/balance/balance.ts';
import { FakeClock } from '../../../../src/testing/testing.ts';
import { connectMemory } from '../../../../src/transport/transport.ts';
import { ENVELOPE } from '../../../balance/call-target.ts';
import { modernServer, type Offer, type Script, ScriptedTarget } from './scripted-target.ts';

type Params = Record<string, unknown>;

/** What comes back, with the members that tests look at. */
export interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Params;
  readonly result: Params & {
    readonly tools: Params[];
    readonly params: Params;
    readonly instructions?: string;
  };
  readonly error: { readonly code: number; readonly message: string; readonly data?: unknown };
}

export interface Scene {
  readonly endpoint: MergedEndpoint;
  readonly clock: FakeClock;
  readonly targets: readonly ScriptedTarget[];
  readonly log: { readonly message: string }[];
  /** What came that is no answer. */
  readonly notes: Message[];
  modern(method: string, params?: Params, meta?: Params): Promise<Message>;
  legacy(method: string, params?: Params): Promise<Message>;
  /** Says something that has no answer. */
  tell(method: string, params?: Params): void;
}

/** An endpoint in front of scripted servers named a, b, c, and a client on a connection in this process. */
export function scene(scripts: readonly Script[], options: Partial<MergedEndpointOptions> = {}): Scene {
  const clock = new FakeClock();
  const log: Scene['log'] = [];
  const note = (details: object, message: string): void => void log.push({ ...details, message });
  const targets = scripts.map((script, index) => new ScriptedTarget('abc'[index] ?? '', script));
  const endpoint = new MergedEndpoint({
    name: 'merged',
    version: '1.0.0',
    servers: targets.map((target) => ({ prefix: target.name, target })),
    logger: { info: note, warn: note },
    clock,
    random: () => 1,
    ...options,
  });
  const waiting = new Map<unknown, (message: Message) => void>();
  const notes: Message[] = [];
  const client = connectMemory(endpoint, (text) => {
    const message = JSON.parse(text) as Message;
    const take = 'method' in message ? undefined : waiting.get(message['id']);
    if (take === undefined) notes.push(message);
    else take(message);
  });
  let nextId = 1;
  const send = (method: string, params: Params): Promise<Message> => {
    const id = nextId++;
    const answer = new Promise<Message>((resolve) => waiting.set(id, resolve));
    client.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return answer;
  };
  return {
    endpoint,
    clock,
    targets,
    log,
    notes,
    modern: (method, params = {}, meta = {}) => send(method, { ...params, _meta: { ...ENVELOPE, ...meta } }),
    legacy: (method, params = {}) => send(method, params),
    tell: (method, params) => client.send(JSON.stringify({ jsonrpc: '2.0', method, params })),
  };
}

/** Lets everything happen that waits for no timer. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
export const tool = (name: string, more: object = {}) => ({ name, inputSchema: { type: 'object' }, ...more });
export const offering = (offer: Offer): Script => modernServer(() => offer);
export const namesOf = ({ result }: Message, list = 'tools'): unknown[] =>
  (result[list] as Params[]).map(({ name }) => name);
export const down: Script = () => ({ failed: 'unavailable' });

export async function allNames(stage: Scene, page = 'tools/list'): Promise<unknown[]> {
  return namesOf(await stage.modern(page));
}
