import { OptionError } from '../../kernel/errors.ts';
import { integerOption, objectOption } from '../../kernel/options.ts';
import { endpointPathOption } from './endpoint-path.ts';

/** The deprecated transport of revision 2024-11-05: answers come by an event stream, requests by posts beside it. */
export interface SseOptions {
  /** Where clients open their stream. @default '/sse' */
  readonly path?: string;
  /** Where they post their messages. @default '/messages' */
  readonly messagesPath?: string;
  /** Open streams at once, of one instance. @default 1_000 */
  readonly maxStreams?: number;
}

export type ResolvedSseOptions = Required<SseOptions>;

/** Nothing unless it is asked for. @throws {OptionError} */
export function resolveSseOptions(name: string, value: unknown, endpointPath: string): ResolvedSseOptions | undefined {
  if (value === undefined || value === false) return undefined;
  const given = value === true ? {} : objectOption(name, value, ['path', 'messagesPath', 'maxStreams']);
  const path = endpointPathOption(`${name}.path`, given.path, '/sse');
  const messagesPath = endpointPathOption(`${name}.messagesPath`, given.messagesPath, '/messages');
  if (path === endpointPath) throw new OptionError(`${name}.path`, 'must differ from the path of the endpoint', path);
  if (messagesPath === endpointPath || messagesPath === path)
    throw new OptionError(`${name}.messagesPath`, 'must differ from the other paths', messagesPath);
  const maxStreams = integerOption(`${name}.maxStreams`, given.maxStreams, 1_000, { min: 1, max: 1_000_000 });
  return Object.freeze({ path, messagesPath, maxStreams });
}
