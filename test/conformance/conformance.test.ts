import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningFixture, startFixture } from './run.ts';
import { listRequirements, REVISIONS, runRevision, type ScenarioResult } from './suite.ts';

const SUITE_TIMEOUT_MS = 180_000;

const revisions = await Promise.all(
  REVISIONS.map(async (revision) => ({ revision, required: (await listRequirements(revision)).required })),
);

let fixture: RunningFixture;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture?.stop());

describe.each(revisions)('the conformance suite for $revision', ({ revision, required }) => {
  const results = new Map<string, ScenarioResult>();
  beforeAll(async () => {
    for (const result of await runRevision(fixture.url, revision)) results.set(result.scenario, result);
  }, SUITE_TIMEOUT_MS);

  it.each(required)('%s', (scenario) => {
    expect(results.get(scenario)?.failures).toEqual([]);
  });
});
