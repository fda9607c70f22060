/** Contender: everything is measured and served, and nobody looks. */
import { startPeregrine } from './peregrine-server.ts';

await startPeregrine({ monitor: { prometheusPort: 0, dashboardPort: false } });
