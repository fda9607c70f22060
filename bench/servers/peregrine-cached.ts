/** Contender: Peregrine that keeps its tools' answers. */
import { startPeregrine } from './peregrine-server.ts';

await startPeregrine({ cache: true });
