/** Contender: everything is measured, and a dashboard is open. */
import { startPeregrine } from './peregrine-server.ts';

await startPeregrine({ monitor: { prometheusPort: false, dashboardPort: 0 }, reads: 'dashboard' });
