/** Options of the "proxy" driver: which load balancers Muster's own process serves. */
export interface ProxyOptions {
  readonly loadBalancers: Readonly<Record<string, BalancerOptions>>;
}

export interface BalancerOptions {
  /** `host:port` or `[host]:port`; port 0 lets the system choose. */
  readonly listen: string;
  /** Without it members take traffic as soon as they are put. */
  readonly healthCheck?: HealthCheckOptions;
  /** Default 3,000. */
  readonly connectTimeoutMs?: number;
  /** A connection on which nothing moved for so long is closed. Default: never. */
  readonly idleTimeoutMs?: number;
  /** Connections beyond are closed at once. Default 10,000. */
  readonly connectionsMax?: number;
}

export interface HealthCheckOptions {
  /** "tcp": a connection opens. "http": GET `path` answers 2xx or 3xx. */
  readonly kind: "tcp" | "http";
  readonly path?: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Passed checks in a row that make an unhealthy member healthy. */
  readonly rise: number;
  /** Failed checks in a row that make a healthy member unhealthy. */
  readonly fall: number;
}

export const balancerDefaults = { connectTimeoutMs: 3_000, connectionsMax: 10_000 } as const;

const ms = (description: string) => ({
  type: "integer",
  minimum: 1,
  maximum: 86_400_000,
  description,
});

const checksInRow = (description: string) => ({
  type: "integer",
  minimum: 1,
  maximum: 100,
  description,
});

const healthCheckSchema = {
  type: "object",
  additionalProperties: false,
  required: ["kind", "intervalMs", "timeoutMs", "rise", "fall"],
  properties: {
    kind: { enum: ["tcp", "http"] },
    path: { type: "string", pattern: "^/[!-~]*$", description: "What an HTTP check gets." },
    intervalMs: ms("Time between two checks of one member."),
    timeoutMs: ms("A check that takes longer has failed."),
    rise: checksInRow("Passed checks in a row that make an unhealthy member healthy."),
    fall: checksInRow("Failed checks in a row that make a healthy member unhealthy."),
  },
} as const;

const balancerSchema = {
  type: "object",
  additionalProperties: false,
  required: ["listen"],
  properties: {
    listen: {
      type: "string",
      pattern: "^(\\[[0-9a-fA-F:.]+\\]|[^:\\[\\]/\\s]+):\\d{1,5}$",
      description: "host:port or [host]:port on which connections are taken.",
    },
    healthCheck: healthCheckSchema,
    connectTimeoutMs: ms("How long one member may take to accept a connection."),
    idleTimeoutMs: ms("A connection on which nothing moved for so long is closed."),
    connectionsMax: {
      type: "integer",
      minimum: 1,
      maximum: 1_000_000,
      description: "Open connections beyond which new ones are closed at once.",
    },
  },
} as const;

export const proxyOptionsSchema = {
  type: "object",
  additionalProperties: false,
  required: ["loadBalancers"],
  properties: {
    loadBalancers: {
      type: "object",
      description: "Load balancers by id.",
      // An id names a file in the driver's folder.
      propertyNames: { pattern: "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$" },
      additionalProperties: balancerSchema,
    },
  },
} as const;

/** @throws RangeError on what the schema's pattern cannot tell: a port above 65,535. */
export function listenAddress(listen: string): { readonly host: string; readonly port: number } {
  const colon = listen.lastIndexOf(":");
  const port = Number(listen.slice(colon + 1));
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new RangeError(`${listen} has no port between 0 and 65535`);
  return { host: listen.slice(0, colon).replace(/^\[|\]$/g, ""), port };
}
