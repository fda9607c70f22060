import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OptionError, PeregrineError, toMessage } from '../../kernel/errors.ts';
import { objectOption, stringOption } from '../../kernel/options.ts';
import { environmentVariable } from '../../kernel/runtime.ts';

/** Where the API of a cluster is, and as whom it is asked. Inside a cluster all of it is known. */
export interface KubernetesApiOptions {
  /** @default the cluster that this process runs in */
  readonly apiServer?: string;
  /** A token that stays the same. @default the one in `tokenFile` */
  readonly token?: string;
  /** A file with the token, read again as it is rotated. @default the service account's */
  readonly tokenFile?: string;
  /** The certificates that the API's is checked by. @default the service account's; with `apiServer` those of Node.js */
  readonly caFile?: string;
  /** @default the service account's; with `apiServer` it is needed */
  readonly namespace?: string;
}

/** What an `ApiClient` works with. */
export interface ResolvedApiOptions {
  readonly apiServer: URL;
  readonly ca: string | undefined;
  readonly namespace: string;
  /** Reads the token, nothing where none is sent. */
  readonly readToken: () => Promise<string | undefined>;
}

/** What a cluster tells a process that runs in it. */
export interface ClusterFacts {
  readonly variable: (name: string) => string | undefined;
  /** Where the service account's files are. */
  readonly folder: string;
}

export const API_KEYS = ['apiServer', 'token', 'tokenFile', 'caFile', 'namespace'] as const;
const FACTS: ClusterFacts = {
  variable: environmentVariable,
  folder: '/var/run/secrets/kubernetes.io/serviceaccount',
};

/** @throws {OptionError} and `KUBERNETES_NOT_INSIDE` where no `apiServer` is given outside of a cluster. */
export function resolveApiOptions(
  name: string,
  options: KubernetesApiOptions,
  { variable, folder }: ClusterFacts = FACTS,
): ResolvedApiOptions {
  const given = objectOption(name, options, API_KEYS);
  const isInside = given.apiServer === undefined;
  const apiServer = isInside ? insideUrl(name, variable) : givenUrl(`${name}.apiServer`, given.apiServer);
  const file = (key: 'caFile' | 'tokenFile', inside: string): string | undefined => {
    if (given[key] !== undefined) return stringOption(`${name}.${key}`, given[key]);
    return isInside ? join(folder, inside) : undefined;
  };
  const token = given.token === undefined ? undefined : stringOption(`${name}.token`, given.token).trim();
  const tokenFile = file('tokenFile', 'token');
  const caFile = file('caFile', 'ca.crt');
  const namespace =
    given.namespace === undefined && isInside
      ? readOption(`${name}.namespace`, join(folder, 'namespace')).trim()
      : given.namespace;
  return {
    apiServer,
    ca: caFile === undefined || apiServer.protocol === 'http:' ? undefined : readOption(`${name}.caFile`, caFile),
    namespace: objectNameOption(`${name}.namespace`, namespace),
    readToken: async () => {
      if (token !== undefined || tokenFile === undefined) return token;
      return (await readFile(tokenFile, 'utf8')).trim();
    },
  };
}

/** The name of an object of Kubernetes. @throws {OptionError} */
export function objectNameOption(name: string, value: unknown): string {
  const chosen = stringOption(name, value);
  if (chosen.length > 253 || !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(chosen))
    throw new OptionError(name, 'must be a name of Kubernetes: small letters, digits, "-" and "."', chosen);
  return chosen;
}

function insideUrl(name: string, variable: ClusterFacts['variable']): URL {
  const host = variable('KUBERNETES_SERVICE_HOST');
  const port = variable('KUBERNETES_SERVICE_PORT') ?? '443';
  if (!host) {
    const message = `this process does not run inside a Kubernetes cluster: set "${name}.apiServer"`;
    throw new PeregrineError('KUBERNETES_NOT_INSIDE', message);
  }
  return new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`);
}

/** Without TLS only on this machine: `kubectl proxy` listens so. */
function givenUrl(name: string, value: unknown): URL {
  const url = URL.parse(stringOption(name, value));
  const isLocal = url !== null && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLocal)) return url;
  throw new OptionError(name, 'must be a URL of https, or of http on this machine', value);
}

function readOption(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new OptionError(name, `must be readable (${toMessage(error)})`, path);
  }
}
