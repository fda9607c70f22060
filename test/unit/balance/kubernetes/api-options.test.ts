import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type KubernetesApiOptions, resolveApiOptions } from '../../../../src/balance/kubernetes/api-options.ts';

let folder: string;
let variables: Map<string, string>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'peregrine-account-'));
  writeFileSync(join(folder, 'token'), 'first\n');
  writeFileSync(join(folder, 'ca.crt'), 'certificates');
  writeFileSync(join(folder, 'namespace'), 'tools\n');
  variables = new Map([
    ['KUBERNETES_SERVICE_HOST', '10.96.0.1'],
    ['KUBERNETES_SERVICE_PORT', '6443'],
  ]);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const resolve = (options: KubernetesApiOptions = {}) =>
  resolveApiOptions('kubernetes', options, { folder, variable: (name) => variables.get(name) });

describe('the options of the API', () => {
  it('are those of the service account inside a cluster; its token is read again', async () => {
    const { apiServer, ca, namespace, readToken } = resolve();
    expect([apiServer.href, ca, namespace]).toEqual(['https://10.96.0.1:6443/', 'certificates', 'tools']);
    expect(await readToken()).toBe('first');
    writeFileSync(join(folder, 'token'), 'second\n');
    expect(await readToken()).toBe('second');
  });

  it('know addresses of IPv6', () => {
    variables.set('KUBERNETES_SERVICE_HOST', 'fd00::1');
    variables.delete('KUBERNETES_SERVICE_PORT');
    expect(resolve().apiServer.href).toBe('https://[fd00::1]/');
  });

  it('let single ones be given inside as well', async () => {
    const { namespace, readToken } = resolve({ namespace: 'other', token: 'own' });
    expect([namespace, await readToken()]).toEqual(['other', 'own']);
  });

  it('take nothing of the service account for another cluster', async () => {
    const { apiServer, ca, readToken } = resolve({ apiServer: 'https://api.example:8443', namespace: 'x' });
    expect([apiServer.href, ca, await readToken()]).toEqual(['https://api.example:8443/', undefined, undefined]);
  });

  it('may be those of kubectl proxy', () => {
    expect(resolve({ apiServer: 'http://127.0.0.1:8001', namespace: 'x' }).apiServer.protocol).toBe('http:');
  });

  it('are not to be had outside of a cluster', () => {
    variables.clear();
    expect(() => resolve()).toThrow(
      expect.objectContaining({
        code: 'KUBERNETES_NOT_INSIDE',
        message: 'this process does not run inside a Kubernetes cluster: set "kubernetes.apiServer"',
      }),
    );
  });

  it.each([
    [{ apiServer: 'http://api.example' }, 'option "kubernetes.apiServer" must be a URL of https, or of http on this'],
    [{ apiServer: 'api' }, 'option "kubernetes.apiServer" must be a URL of https'],
    [{ apiServer: 'https://api' }, 'option "kubernetes.namespace" must be a non-empty string, got undefined'],
    [{ namespace: 'A' }, 'option "kubernetes.namespace" must be a name of Kubernetes'],
    [{ caFile: '/none' }, 'option "kubernetes.caFile" must be readable (ENOENT'],
    [{ tokens: 'x' }, 'option "kubernetes.tokens" is not known (did you mean "token"?)'],
  ])('refuse %j', (wrong, message) => {
    expect(() => resolve(wrong as KubernetesApiOptions)).toThrow(message);
  });
});
