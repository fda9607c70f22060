import { bring } from '../services/install.ts';

export const setup = (): Promise<void> => bring('chromium');
