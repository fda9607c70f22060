import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningFixture, startFixture } from './run.ts';
import { listRequirements, REVISIONS, runRevision, type ScenarioResult } from './suite.ts';

const SUITE_TIMEOUT_MS = 180_000;

/** Scenarios that do not count and in which there is nothing to pass, each with its reason. */
const UNPASSABLE: ReadonlyMap<string, string> = new Map([
  ['tasks-status-notifications', 'the suite checks nothing in it yet; test/unit/protocol/task-streams.test.ts does'],
]);

const revisions = await Promise.all(
  REVISIONS.map(async (revision) => ({ revision, ...(await listRequirements(revision)) })),
);

/** What is served: with sessions for clients of earlier revisions, and without; and all of it where the lane reads nothing. */
const cases = [
  ...revisions.map((one) => ({ ...one, sessions: true, lane: true, how: '' })),
  ...revisions.slice(1).map((one) => ({ ...one, sessions: false, lane: true, how: ', without sessions' })),
  ...revisions.map((one) => ({ ...one, sessions: true, lane: false, how: ', without the lane' })),
];

describe.each(cases)('the conformance suite for $revision$how', ({ revision, required, unscored, sessions, lane }) => {
  let fixture: RunningFixture;
  const results = new Map<string, ScenarioResult>();
  beforeAll(async () => {
    fixture = await startFixture(sessions, lane);
    for (const result of await runRevision(fixture.url, revision)) results.set(result.scenario, result);
  }, SUITE_TIMEOUT_MS);
  afterAll(() => fixture?.stop());

  it.each(required)('%s', (scenario) => {
    expect(results.get(scenario)?.failures).toEqual([]);
  });

  if (sessions)
    it.each([...unscored])('%s, which does not count (%s)', (scenario) => {
      const { failures, passedChecks } = results.get(scenario) as ScenarioResult;
      expect(failures).toEqual([]);
      expect(passedChecks > 0).toBe(!UNPASSABLE.has(scenario));
    });

  if (revision === '2025-11-25' && sessions)
    it('whose sessions live and end, and whose streams can be resumed', () => {
      for (const scenario of ['server-session-lifecycle', 'server-sse-polling', 'server-sse-multiple-streams'])
        expect(results.get(scenario)).toMatchObject({ failures: [], warnings: [] });
    });
});
