import { isFault } from "../../core/errors/fault.js";
import { OutsideFault } from "../../core/errors/outside-fault.js";
import type { CloudDriver, Pinned } from "../../core/ports/cloud.js";
import type { CredentialSource } from "../../core/ports/credentials.js";

/** What an account's secret must look like. */
export const credentialsSchema = {
  type: "object",
  additionalProperties: false,
  required: ["project", "password"],
  properties: {
    project: {
      type: "string",
      pattern: "^[a-z0-9-]{1,63}$",
      description: "What they answer for; the account's servers are in `project-of-ACCOUNT`.",
    },
    password: {
      type: "string",
      minLength: 1,
      maxLength: 200,
      description: "Any is taken, but for one that begins with `expired`.",
    },
  },
} as const;

interface Secret {
  readonly project: string;
  readonly password: string;
}

/** A cloud that lets nobody in without credentials, and shows each project its own alone. */
export function withCredentials(cloud: CloudDriver, source: CredentialSource): CloudDriver {
  /** The project that they answer for. @throws OutsideFault */
  async function enter(account: string): Promise<string> {
    const held = await source.of(account).catch((error: unknown) => {
      const kind = isFault(error, "CREDENTIALS_UNREADABLE") ? "denied" : "temporary";
      throw new OutsideFault(kind, (error as Error).message, { cause: error });
    });
    if (!held) throw new OutsideFault("denied", "no credentials were written");
    const { project, password } = held.secret as unknown as Secret;
    if (password.startsWith("expired"))
      throw new OutsideFault("denied", "the credentials have expired");
    return project;
  }

  /** False: in a project where the account has nothing. */
  async function isInside({ account, project }: Pinned): Promise<boolean> {
    const own = await enter(account);
    if (project !== undefined && project !== own)
      throw new OutsideFault("denied", `the credentials answer for ${own}, not ${project}`);
    return own === `project-of-${account}`;
  }

  const nothing = () => new OutsideFault("notFound", "no such project");
  return {
    ...cloud,
    project: (account) => enter(account),
    async createServer(request, call) {
      if (!(await isInside(request))) throw nothing();
      return await cloud.createServer(request, call);
    },
    deleteServer: async (request, call) =>
      (await isInside(request)) ? await cloud.deleteServer(request, call) : "gone",
    getServer: async (request, call) =>
      (await isInside(request)) ? await cloud.getServer(request, call) : undefined,
    listServers: async (request, call) =>
      (await isInside(request)) ? await cloud.listServers(request, call) : { servers: [] },
    findByIntention: async (request, call) =>
      (await isInside(request)) ? await cloud.findByIntention(request, call) : [],
    tagServer: async (request, call) =>
      (await isInside(request)) ? await cloud.tagServer(request, call) : "gone",
    async checkLaunch(request, call) {
      await enter(request.account);
      return await cloud.checkLaunch(request, call);
    },
  };
}
