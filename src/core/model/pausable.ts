/** What can be paused alone (B8.1). */
export const pausableProcesses = [
  "scaleOut",
  "scaleIn",
  "replacement",
  "alerts",
  "schedules",
] as const;
export type PausableProcess = (typeof pausableProcesses)[number];

/** Some of them. */
export type Processes = readonly PausableProcess[];
