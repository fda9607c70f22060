import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Gateway } from '../../src/balance/gateway/gateway.ts';
import { type RunningFixture, startFixture } from './run.ts';
import { listRequirements, REVISIONS, runRevision, type ScenarioResult } from './suite.ts';

const SUITE_TIMEOUT_MS = 180_000;

const revisions = await Promise.all(
  REVISIONS.map(async (revision) => ({ revision, required: (await listRequirements(revision)).required })),
);

let fixture: RunningFixture;
let gateway: Gateway;
let url: string;
beforeAll(async () => {
  fixture = await startFixture();
  gateway = new Gateway({ listen: { port: 0 }, servers: { fixture: { endpoints: [fixture.url] } } });
  url = (await gateway.listen()).servers['fixture'] as string;
});
afterAll(async () => {
  await gateway?.close(0);
  await fixture?.stop();
});

describe.each(revisions)('the conformance suite for $revision, through a gateway', ({ revision, required }) => {
  const results = new Map<string, ScenarioResult>();
  beforeAll(async () => {
    for (const result of await runRevision(url, revision)) results.set(result.scenario, result);
  }, SUITE_TIMEOUT_MS);

  it.each(required)('%s', (scenario) => {
    expect(results.get(scenario)?.failures).toEqual([]);
  });
});
