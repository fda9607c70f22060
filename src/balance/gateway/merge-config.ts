import { OptionError } from '../../kernel/errors.ts';
import { objectOption, stringOption } from '../../kernel/options.ts';
import { readVersion } from '../../kernel/package-version.ts';
import { endpointPathOption } from '../../transport/transport.ts';
import { type MergedEndpointOptions, resolveMergeOptions } from '../merge/merge-options.ts';
import { MergedEndpoint } from '../merge/merged-endpoint.ts';
import type { BackingParts } from './backing.ts';
import type { Target } from './target.ts';

/** One endpoint that offers what several servers offer. */
export interface MergeConfig
  extends Omit<MergedEndpointOptions, 'servers' | 'name' | 'version' | 'logger' | 'clock' | 'random'> {
  /** @default '/mcp' */
  readonly path?: string;
  /** Its name, as clients see it. @default 'peregrine-gateway' */
  readonly name?: string;
  /** @default the gateway's own */
  readonly version?: string;
  /** The prefix of each server's names, by the server's name, in the order in which they are listed. @default all, by their names */
  readonly servers?: { readonly [server: string]: string };
}

export interface ResolvedMergeConfig {
  readonly path: string;
  readonly fingerprint: string;
  /** Makes the endpoint. @param targetOf The targets by their servers' names. */
  create(targetOf: (server: string) => Target, parts: BackingParts): MergedEndpoint;
  readonly servers: readonly string[];
}

const KEYS = [
  'path',
  'name',
  'version',
  'title',
  'instructions',
  'servers',
  'separator',
  'pageSize',
  'lists',
  'timeoutMs',
  'maxMessageBytes',
  'maxSubscriptions',
] as const;
const NOWHERE: Target = {
  name: 'nowhere',
  send: () => ({ pause: () => {}, resume: () => {}, abort: () => {} }),
  close: async () => {},
};

/** @param known The names of all servers. @throws {OptionError} */
export function resolveMerge(value: unknown, known: readonly string[]): ResolvedMergeConfig {
  const { path, servers, ...rest } = objectOption('merge', value, KEYS);
  const prefixes = servers === undefined ? known.map((name) => [name, name] as const) : prefixesOf(servers, known);
  const options = { ...rest, name: rest.name ?? 'peregrine-gateway', version: rest.version ?? readVersion() };
  const behind = (targetOf: (server: string) => Target) =>
    prefixes.map(([server, prefix]) => ({ prefix, target: targetOf(server) }));
  resolveMergeOptions({ ...options, servers: behind(() => NOWHERE) });
  return {
    path: endpointPathOption('merge.path', path),
    fingerprint: JSON.stringify([options, prefixes]),
    servers: prefixes.map(([server]) => server),
    create: (targetOf, parts) =>
      new MergedEndpoint({
        ...(options as MergedEndpointOptions),
        ...parts,
        servers: behind((one) => lent(targetOf(one))),
      }),
  };
}

function prefixesOf(value: unknown, known: readonly string[]): readonly (readonly [server: string, prefix: string])[] {
  const given = objectOption('merge.servers', value, known);
  const prefixes = Object.entries(given);
  if (prefixes.length === 0) throw new OptionError('merge.servers', 'must name at least one server', value);
  return prefixes.map(([server, prefix]) => [server, stringOption(`merge.servers.${server}`, prefix)] as const);
}

/** A target that others use too: whoever made it closes it. */
function lent(target: Target): Target {
  return { name: target.name, send: (call, sink) => target.send(call, sink), close: async () => {} };
}
