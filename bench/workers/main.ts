/** A process of its own for the suite "workers". Prints one line of JSON. */
import { measureRoundTrips } from './round-trip.ts';
import { type LoadedRow, measureUnderLoad } from './under-load.ts';

const roundTrips = await measureRoundTrips();
const loaded: LoadedRow[] = [];
for (const mode of ['inline', 'thread', 'process'] as const) loaded.push(await measureUnderLoad(mode));
process.stdout.write(`${JSON.stringify({ ...roundTrips, loaded })}\n`);
process.exit(0);
