/** Contender: nobody listens to requests, not even to count them. */
import { startPeregrine } from './peregrine-server.ts';

await startPeregrine({ monitor: false });
