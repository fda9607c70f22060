import { serveSampleOverStdio } from './sample-server.ts';

await serveSampleOverStdio();
