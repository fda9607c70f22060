import { fileURLToPath } from 'node:url';
import { LineProcess } from '../services/line-process.ts';

export const MAIN = fileURLToPath(new URL('../../examples/catalogue/main.ts', import.meta.url));
const FREE_PORTS = { PORT: '0', HOST: '127.0.0.1', PROMETHEUS_PORT: '0', DASHBOARD_PORT: '0' };

/** The example as a user starts it. */
export class CatalogueProcess extends LineProcess {
  constructor(environment: NodeJS.ProcessEnv) {
    super([MAIN], { env: { ...FREE_PORTS, ...environment } });
  }

  async url(): Promise<string> {
    const [, url = ''] = await this.line(/^The catalogue is served at (\S+)$/);
    return url;
  }
}
