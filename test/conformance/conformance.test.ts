import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningFixture, startFixture } from './run.ts';
import { listRequirements, REVISIONS, runRevision, type ScenarioResult } from './suite.ts';

const SUITE_TIMEOUT_MS = 180_000;

const revisions = await Promise.all(
  REVISIONS.map(async (revision) => ({ revision, required: (await listRequirements(revision)).required })),
);

/** What is served: with sessions for clients of earlier revisions, and without. */
const cases = [
  ...revisions.map((one) => ({ ...one, sessions: true, how: '' })),
  ...revisions.slice(1).map((one) => ({ ...one, sessions: false, how: ', without sessions' })),
];

describe.each(cases)('the conformance suite for $revision$how', ({ revision, required, sessions }) => {
  let fixture: RunningFixture;
  const results = new Map<string, ScenarioResult>();
  beforeAll(async () => {
    fixture = await startFixture(sessions);
    for (const result of await runRevision(fixture.url, revision)) results.set(result.scenario, result);
  }, SUITE_TIMEOUT_MS);
  afterAll(() => fixture?.stop());

  it.each(required)('%s', (scenario) => {
    expect(results.get(scenario)?.failures).toEqual([]);
  });

  if (revision === '2025-11-25' && sessions)
    it('whose sessions live and end, and whose streams can be resumed', () => {
      for (const scenario of ['server-session-lifecycle', 'server-sse-polling', 'server-sse-multiple-streams'])
        expect(results.get(scenario)).toMatchObject({ failures: [], warnings: [] });
    });
});
