import { expect, it } from 'vitest';
import { builtExports, pinnedExports } from '../../scripts/public-exports.ts';

const REMEDY = 'if the change is intended, run `npm run exports:update` and commit test/tooling/public-exports.txt';

it('exports exactly the committed names', async () => {
  const pinned = pinnedExports();
  expect(pinned, `there is no list of the public exports; ${REMEDY}`).toBeDefined();
  const built = await builtExports();
  const added = built.filter((name) => !pinned!.includes(name));
  const removed = pinned!.filter((name) => !built.includes(name));
  expect({ added, removed }, `the public exports changed; ${REMEDY}`).toEqual({ added: [], removed: [] });
});
