/** Contender: Peregrine as it comes, on its lane. */
import { startPeregrine } from './peregrine-server.ts';

await startPeregrine();
