/** What `bed.py up` writes down of a running bed. */
export interface BedFacts {
  readonly authUrl: string;
  readonly region: string;
  readonly accounts: {
    readonly acme: CredentialAccount;
    readonly other: PasswordAccount;
    /** For one test at a time: what the project uses of its quota is told by nobody else's servers. */
    readonly counted: CredentialAccount;
  };
  readonly admin: PasswordAccount;
  readonly image: string;
  readonly imageName: string;
  /** As good as the first, for a test to let its builds fail. */
  readonly secondImage: string;
  /** Ids. No host has room for `huge`. */
  readonly flavors: Readonly<Record<"tiny" | "small" | "large" | "huge", string>>;
  readonly network: string;
  readonly subnet: string;
  readonly urls: Readonly<
    Record<"compute" | "network" | "loadBalancer" | "image" | "placement", string> & {
      /** Senlin, where it was asked for. */
      clustering?: string;
    }
  >;
  /** The folders of the fault files, and of what the virt driver was told to build. */
  readonly faults: string;
  readonly guests: string;
}

export interface CredentialAccount {
  readonly applicationCredentialId: string;
  readonly applicationCredentialSecret: string;
  readonly projectId: string;
}

export interface PasswordAccount {
  readonly username: string;
  readonly password: string;
  readonly userDomain: string;
  readonly project: string;
  readonly projectDomain: string;
  readonly projectId: string;
}

/** How often a rule happens to what it fits. */
interface Rule<Field extends string> {
  /** Regular expressions, each to be found in its field; without any, it fits everything. */
  readonly match?: Readonly<Partial<Record<Field, string>>>;
  /** At most so often; without it, until the fault is healed. */
  readonly times?: number;
  /** Of the moments that fit, by chance: 0.2 is a fifth. */
  readonly share?: number;
  /** Waits before anything else. */
  readonly delaySeconds?: number;
}

type ApiRule = Rule<"method" | "path" | "query" | "agent"> & {
  /** Answers this instead of the service. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Ends the connection without any answer. */
  readonly cut?: true;
  /** The service does what was asked before `status` or `cut`: only its answer is lost. */
  readonly isDone?: true;
};

type ComputeRule = Rule<"step" | "name" | "uuid" | "image" | "flavor"> & {
  /**
   * `abort`, of a spawn, is ERROR at once; after `error` Nova looks for another host first. `hang`
   * goes on when the faults change.
   */
  readonly end?: "abort" | "error" | "hang";
  readonly message?: string;
};

type NetworkRule = Rule<"port" | "host"> & {
  /** The port stays unbound, and its server's build fails. */
  readonly isRefused?: true;
};

/** Nova takes the server down, and never has it built. */
type HandoverRule = Omit<Rule<"name">, "delaySeconds">;

/** What can be disturbed: an API, the virt driver, the binding of ports, what nova-api hands over. */
export interface RulesOf {
  readonly nova: ApiRule;
  readonly neutron: ApiRule;
  readonly glance: ApiRule;
  readonly keystone: ApiRule;
  readonly placement: ApiRule;
  readonly octavia: ApiRule;
  readonly compute: ComputeRule;
  readonly network: NetworkRule;
  readonly handover: HandoverRule;
}

/** One time that a rule happened: which of the rules, when, and to what. */
export interface Fired {
  readonly id: string;
  readonly rule: number;
  readonly atMs: number;
  readonly [field: string]: unknown;
}

export type Daemon =
  | "mariadb"
  | "memcached"
  | "rabbitmq"
  | "keystone"
  | "placement"
  | "glance-api"
  | "nova-conductor"
  | "nova-scheduler"
  | "nova-api"
  | "nova-compute"
  | "neutron-server"
  | "octavia-api"
  | "octavia-worker";

/** What Nova gave its virt driver to build. */
export interface Guest {
  readonly name: string;
  readonly flavor: string;
  readonly image: string;
  readonly keyName: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly hasConfigDrive: boolean;
  /** Base64. */
  readonly userData: string | null;
  /** The personality; contents in Base64. */
  readonly files: readonly { readonly path: string; readonly contents: string }[];
  readonly ports: readonly { readonly id: string; readonly network: string }[];
}
