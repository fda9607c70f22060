/** Contender: everything is measured, and read once a second. */
import { startPeregrine } from './peregrine-server.ts';

await startPeregrine({ monitor: { prometheusPort: 0, dashboardPort: false }, reads: 'metrics' });
