/** The gateway as operators run it: balancing, circuits, budgets, probes and shared answers. */
import { Gateway } from '../../dist/balance/balance.js';
import { startBackends } from '../gateway/backends.ts';
import { announce, readArguments } from './announce.ts';

const endpoints = (await startBackends()).map((port) => `http://127.0.0.1:${port}/mcp`);
const gateway = new Gateway({ listen: { port: readArguments().port }, servers: { backends: { endpoints } } });
const { servers } = await gateway.listen();
announce(Number(new URL(servers['backends'] as string).port));
