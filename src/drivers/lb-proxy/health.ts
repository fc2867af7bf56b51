/** What checks have said of one member so far. */
export interface Health {
  readonly state: "unknown" | "healthy" | "unhealthy";
  /** Has passed a check at least once. */
  readonly proven: boolean;
  /** Results in a row that speak against `state`. */
  readonly against: number;
}

export interface Thresholds {
  readonly rise: number;
  readonly fall: number;
}

export const unchecked: Health = { state: "unknown", proven: false, against: 0 };

/** The first result counts at once; later ones must come `rise` or `fall` times in a row. */
export function nextHealth(health: Health, passed: boolean, { rise, fall }: Thresholds): Health {
  const proven = health.proven || passed;
  const says = passed ? "healthy" : "unhealthy";
  if (health.state === "unknown" || health.state === says)
    return { state: says, proven, against: 0 };
  const against = health.against + 1;
  const needed = passed ? rise : fall;
  return against >= needed
    ? { state: says, proven, against: 0 }
    : { state: health.state, proven, against };
}
