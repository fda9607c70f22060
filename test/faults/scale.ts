/** How much the tests with faults do: little in CI, much by `npm run test:chaos`. */
const IS_LONG = process.env['PEREGRINE_CHAOS'] === 'long';

export const SCALE = Object.freeze(
  IS_LONG
    ? { rolls: 6, instances: 4, fresh: 20_000, kept: 200, kills: 20, freezes: 5, gatewayCalls: 30_000 }
    : { rolls: 2, instances: 3, fresh: 1_500, kept: 40, kills: 3, freezes: 1, gatewayCalls: 1_200 },
);
