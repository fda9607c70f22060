/** Contender: the same engine without the lane, on node:http. */
import { startPeregrine } from './peregrine-server.ts';

await startPeregrine({ lane: false });
