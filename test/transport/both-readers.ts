/** The two ways in which the endpoint reads HTTP; what holds for one has to hold for the other. */
export const BOTH_READERS = [
  { title: 'on the lane', lane: true },
  { title: 'on node:http', lane: false },
] as const;
