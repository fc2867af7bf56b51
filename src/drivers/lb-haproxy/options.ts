/** Options of the "haproxy" driver. */
export interface HaproxyOptions {
  /** The Runtime API, at level admin: an absolute path, or a port on loopback. */
  readonly socket: string;
  /**
   * Load balancer ids and their backends. Without it, a load balancer's id is its backend's name.
   */
  readonly backends?: Readonly<Record<string, string>>;
  /** Servers are checked by HAProxy, as the backend says how (TCP, or `option httpchk`). */
  readonly check?: ServerCheck;
  /** Begins the names of the servers that are ours; default "muster-". */
  readonly namePrefix?: string;
  /** Further words for `add server`, such as "send-proxy" or "maxconn", "100". */
  readonly serverArguments?: readonly string[];
  /** How long one exchange with HAProxy may take; default 5,000. */
  readonly timeoutMs?: number;
}

export interface ServerCheck {
  readonly intervalMs: number;
  readonly rise: number;
  readonly fall: number;
  /** Checks go to another port than traffic. */
  readonly port?: number;
}

export const haproxyDefaults = { namePrefix: "muster-", timeoutMs: 5_000 } as const;

/** HAProxy's own rule for names; whatever else would end or begin a command is kept out. */
export const namePattern = "^[A-Za-z0-9_.:-]{1,100}$";

const count = (minimum: number, maximum: number, description: string) => ({
  type: "integer",
  minimum,
  maximum,
  description,
});

export const haproxyOptionsSchema = {
  type: "object",
  additionalProperties: false,
  required: ["socket"],
  properties: {
    socket: {
      type: "string",
      pattern: "^(/[^\\u0000]+|127\\.0\\.0\\.1:\\d{1,5}|\\[::1\\]:\\d{1,5})$",
      description: "Path of the stats socket, or 127.0.0.1:port: the API knows no passwords.",
    },
    backends: {
      type: "object",
      description: "Backend names by load balancer id.",
      additionalProperties: { type: "string", pattern: namePattern },
    },
    check: {
      type: "object",
      additionalProperties: false,
      required: ["intervalMs", "rise", "fall"],
      properties: {
        intervalMs: count(1, 86_400_000, "Time between two checks of one server."),
        rise: count(1, 100, "Passed checks in a row that bring a server up."),
        fall: count(1, 100, "Failed checks in a row that take a server down."),
        port: count(1, 65_535, "Where checks go, if not to the server's port."),
      },
    },
    namePrefix: {
      type: "string",
      pattern: "^[A-Za-z0-9_.:-]{1,40}$",
      description: "Begins the names of servers that Muster made.",
    },
    serverArguments: {
      type: "array",
      maxItems: 40,
      items: { type: "string", pattern: "^[A-Za-z0-9_.:/,-]{1,200}$" },
      description: "Further words for `add server`.",
    },
    timeoutMs: count(1, 600_000, "How long one exchange with HAProxy may take."),
  },
} as const;
