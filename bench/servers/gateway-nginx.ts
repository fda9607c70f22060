/** Reference: nginx with one worker, kept-alive connections to the backends and no buffering to files. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { program } from '../../test/services/install.ts';
import { startBackends } from '../gateway/backends.ts';

const START_MS = 10_000;

function configOf(folder: string, port: number, backends: readonly number[]): string {
  return `
daemon off;
master_process off;
worker_processes 1;
pid ${folder}/pid;
error_log ${folder}/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  upstream backends {
    ${backends.map((backend) => `server 127.0.0.1:${backend};`).join(' ')}
    keepalive 64;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://backends;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
    }
  }
}
`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function untilListening(port: number): Promise<void> {
  const end = performance.now() + START_MS;
  for (;;) {
    const listens = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (listens) return;
    if (performance.now() > end) throw new Error('nginx does not listen');
    await delay(20);
  }
}

const folder = mkdtempSync(join(tmpdir(), 'peregrine-nginx-'));
const port = await freePort();
const file = join(folder, 'nginx.conf');
writeFileSync(file, configOf(folder, port, await startBackends()));
// It is pinned as this process is.
const nginx = spawn(program('nginx'), ['-p', folder, '-c', file], { stdio: 'inherit' });
process.once('exit', () => {
  nginx.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});
process.once('SIGTERM', () => process.exit(0));
process.stdin.on('end', () => process.exit(0)).resume();
nginx.once('exit', () => process.exit(1));
await untilListening(port);
process.stdout.write(`${JSON.stringify({ port, pid: nginx.pid })}\n`);
