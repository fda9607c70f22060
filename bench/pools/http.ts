import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Agent, request as undiciRequest } from 'undici';
import { HttpPool } from '../../dist/pool/pool.js';
import { type ContestRow, contest } from './contest.ts';
import { BODY } from './http-server.ts';

const HTTP = { slices: 20, callsPerSlice: 600, inFlight: 16 };

/** One call of a loopback server: the pool, the runtime's fetch, undici alone, and a connection for each call. */
export async function measureHttp(): Promise<ContestRow[]> {
  const server: ChildProcess = fork(fileURLToPath(new URL('./http-server.ts', import.meta.url)), ['serve']);
  const [port] = (await once(server, 'message')) as [number];
  const url = `http://127.0.0.1:${port}/`;
  const pool = new HttpPool({ maxSockets: 64 });
  const fresh = new Agent({ pipelining: 0 });
  const ways: Readonly<Record<string, () => Promise<string>>> = {
    'global fetch': async () => (await fetch(url)).text(),
    'server.http.fetch': async () => (await pool.fetch(url)).text(),
    'server.http.request': async () => (await pool.request(url)).text(),
    'undici.request, default': async () => (await undiciRequest(url)).body.text(),
    'a connection for each call': async () => (await undiciRequest(url, { dispatcher: fresh })).body.text(),
  };
  const contenders = Object.entries(ways).map(([name, ask]) => ({
    name,
    run: async () => {
      const text = await ask();
      if (text !== BODY) throw new Error(`${name}: wrong answer: ${text.slice(0, 80)}`);
    },
  }));
  const rows = await contest(contenders, HTTP);
  server.disconnect();
  await pool.close();
  return rows;
}
