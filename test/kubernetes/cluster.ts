import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ApiClient } from '../../src/balance/kubernetes/api-client.ts';
import { resolveApiOptions } from '../../src/balance/kubernetes/api-options.ts';
import { neededProgram } from '../services/install.ts';
import { selfSigned } from '../transport/self-signed.ts';
import { FakeApi } from './fake-api.ts';
import { type FakeServer, serve } from './fake-server.ts';

/** A cluster that has only its API, on TLS and with tokens, and what a pod of it finds in its files. */
export interface Cluster {
  readonly api: FakeApi;
  readonly server: FakeServer;
  readonly caFile: string;
  /** Lets a token in, and writes it where pods read theirs. */
  setToken(token: string): void;
  /** As a pod connects; a token in place of the file's makes it another user. */
  client(token?: string): ApiClient;
  /** Runs the real kubectl. @returns What it printed. @throws What it complained of. */
  kubectl(...args: readonly string[]): Promise<string>;
  /** Lets it apply a manifest. It reads no schema here: what is in a manifest is checked by the models of the official client. */
  apply(manifest: string, ...args: readonly string[]): Promise<string>;
  /** Runs `kubectl proxy` until the cluster stops. @returns Where it listens. */
  proxy(): Promise<string>;
  stop(): Promise<void>;
}

const run = promisify(execFile);
const OPERATOR = 'operator-token';

export async function startCluster(options: { readonly hasKeda?: boolean } = {}): Promise<Cluster> {
  const certificate = selfSigned();
  const folder = mkdtempSync(join(tmpdir(), 'peregrine-kubernetes-'));
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const api = new FakeApi(options);
  api.tokens.set(OPERATOR, 'operator');
  const server = await serve(api, certificate);
  const caFile = write('ca.crt', certificate.cert);
  write('namespace', 'default');
  const setToken = (token: string): void => {
    api.tokens.set(token, token);
    write('token', `${token}\n`);
  };
  setToken('pod-token');
  const { hostname, port } = new URL(server.url);
  const variables = new Map([
    ['KUBERNETES_SERVICE_HOST', hostname],
    ['KUBERNETES_SERVICE_PORT', port],
  ]);
  const clients: ApiClient[] = [];
  const common = [`--server=${server.url}`, `--certificate-authority=${caFile}`, `--token=${OPERATOR}`];
  const settings = {
    env: { PATH: process.env.PATH ?? '', HOME: folder, KUBECONFIG: join(folder, 'none') },
    cwd: folder,
  };
  const execute = async (args: readonly string[], input: string): Promise<string> => {
    const running = run(neededProgram('kubectl'), [...common, ...args], settings);
    running.child.stdin?.end(input);
    return (await running).stdout.trim();
  };
  const proxies: ChildProcess[] = [];
  return {
    api,
    server,
    caFile,
    setToken,
    client(token) {
      if (token !== undefined) api.tokens.set(token, token);
      const given = token === undefined ? {} : { token };
      const facts = { folder, variable: (name: string) => variables.get(name) };
      const client = new ApiClient(resolveApiOptions('kubernetes', given, facts));
      clients.push(client);
      return client;
    },
    kubectl: (...args) => execute(args, ''),
    apply: (manifest, ...args) => execute(['apply', '--server-side', '--validate=false', ...args, '-f', '-'], manifest),
    async proxy() {
      const proxy = spawn(neededProgram('kubectl'), [...common, 'proxy', '--port=0'], settings);
      proxies.push(proxy);
      const [line] = await once(proxy.stdout, 'data');
      return `http://${/127\.0\.0\.1:\d+/.exec(String(line))?.[0]}`;
    },
    async stop() {
      for (const proxy of proxies) proxy.kill();
      for (const client of clients) client.close();
      await server.down();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
