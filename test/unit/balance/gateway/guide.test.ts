import { readFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { Gateway } from '../../../../src/balance/balance.ts';
import { type GatewayConfig, resolveGateway } from '../../../../src/balance/gateway/gateway-options.ts';
import { readDocument, runSample } from '../../support/samples.ts';

const GUIDE = 'docs/guides/gateway.md';
const text = readFileSync(new URL(`../../../../${GUIDE}`, import.meta.url), 'utf8');
const configurations = [...text.matchAll(/```json\n(.*?)```/gs)].map(([, json]) => JSON.parse(json ?? ''));

it('the configurations in the guide are right, and show every key of a server', () => {
  expect(configurations.length).toBe(2);
  for (const configuration of configurations) resolveGateway(configuration);
  const shown = Object.values(configurations[1].servers).flatMap((server) => Object.keys(server as object));
  const listed = [...text.matchAll(/^\| (`\w+`(?:, `\w+`| or `\w+`)*) \|/gm)].flatMap(([, keys]) =>
    [...(keys ?? '').matchAll(/\w+/g)].map(([key]) => key).filter((key) => key !== 'or'),
  );
  expect(new Set(listed)).toEqual(new Set([...shown.filter((key) => key !== 'drainMs'), 'kubernetes']));
});

it('the program in the guide runs', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  class Quiet extends Gateway {
    constructor(config: GatewayConfig) {
      super({ ...config, listen: { port: 0 } }, { logger: { info: () => {}, warn: () => {} } });
    }
  }
  await runSample(readDocument(GUIDE).samples[0], { Gateway: Quiet });
  expect(log).toHaveBeenCalledWith([expect.objectContaining({ id: '127.0.0.1:3000', state: 'healthy' })]);
  log.mockRestore();
});
