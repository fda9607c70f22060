/** A process of its own for what the suite "cache" measures without a network but that to Redis. Prints one line of JSON. */
import { measureMix } from './mix.ts';
import { measureTiers } from './tiers.ts';

const redisUrl = process.argv[2];
if (redisUrl === undefined) throw new RangeError('usage: main.ts <Redis URL>');

const tiers = await measureTiers(redisUrl);
const mixes = [
  await measureMix({ name: 'uncached', cached: false }),
  await measureMix({ name: 'memory', cached: true }),
  await measureMix({ name: 'memory and Redis', cached: true, redisUrl }),
];
process.stdout.write(`${JSON.stringify({ tiers, mixes })}\n`);
