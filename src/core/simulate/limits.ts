/** What one simulation may take of a node, and of whoever reads its answer. */
export const simulationLimits = {
  rangeMsMax: 31 * 86_400_000,
  eventsMax: 100_000,
  /** Events and repeats together: policies that repeat all the time are simulated for less long. */
  decisionsMax: 200_000,
  /** Of the answer's capacity; where more were made, those that show its course. */
  pointsMax: 10_000,
  bootMsMax: 86_400_000,
} as const;
