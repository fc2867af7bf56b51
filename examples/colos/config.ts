import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Config } from "../../src/config.js";
import type { BedNode } from "../../test/cassandra/bed/node.js";
import { cqlPort } from "../../test/cassandra/bed/settings.js";
import {
  cloudDir,
  colos,
  installation,
  type MusterNode,
  nodes,
  serverPorts,
  stateDir,
} from "./layout.js";

const tokenFile = join(stateDir, "token");
const peers = {
  certFile: join(stateDir, "peer.pem"),
  keyFile: join(stateDir, "peer.key"),
  caFile: join(stateDir, "peer.pem"),
};

/** The administrator's, made once. */
export async function tokenOf(): Promise<string> {
  return (await readFile(tokenFile, "utf8")).trim();
}

export const configFile = (node: MusterNode) => join(node.home, "muster.json");

/** What every node needs before it starts. What is there is left: a second `up` changes nothing. */
export async function writeConfigs(cassandra: readonly BedNode[]): Promise<void> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const fresh = randomBytes(24).toString("base64url");
  await writeFile(tokenFile, fresh, { mode: 0o600, flag: "wx" }).catch(unlessThere);
  await makePeerCertificate();
  const token = await tokenOf();
  for (const node of nodes) {
    await mkdir(node.home, { recursive: true });
    await writeFile(configFile(node), JSON.stringify(configOf(node, cassandra, token), null, 2), {
      mode: 0o600,
    });
    await shareCloud(node);
  }
}

function configOf(node: MusterNode, cassandra: readonly BedNode[], token: string): Config {
  const { colo } = node;
  const near = cassandra.filter(({ dataCenter }) => dataCenter === colo);
  const addressesIn = (other: string) => nodes.filter((one) => one.colo === other);
  return {
    installation,
    listen: node.api,
    dataDir: "data",
    secretsKeyFile: "../secrets.key",
    tokens: [
      {
        principal: "operator",
        tokenSha256: createHash("sha256").update(token).digest("hex"),
        roles: [{ account: "*", role: "admin" }],
      },
    ],
    store: {
      use: "builtin:cassandra",
      options: {
        contactPoints: near.map(({ address }) => `${address}:${cqlPort}`),
        colo,
        colos: Object.fromEntries(colos.map((one) => [one, { replicas: 1 }])),
        keyspace: "colos",
      },
    },
    peers: {
      ...peers,
      listen: node.peer,
      colos: Object.fromEntries(
        colos
          .filter((one) => one !== colo)
          .map((one) => [one, addressesIn(one).map(({ peer }) => peer)]),
      ),
    },
    colos: {
      [colo]: {
        cloud: { use: "builtin:process", options: { portRange: serverPorts(colo) } },
        pollMs: 500,
      },
    },
  };
}

/** One cloud for both nodes of a colo: its state is the folder. */
async function shareCloud({ colo, home }: MusterNode): Promise<void> {
  const drivers = join(home, "data", "drivers", colo);
  await mkdir(cloudDir(colo), { recursive: true });
  await mkdir(drivers, { recursive: true });
  await symlink(cloudDir(colo), join(drivers, "cloud")).catch(unlessThere);
}

/** One for all nodes, signed by itself, for the name that peers go by. */
async function makePeerCertificate(): Promise<void> {
  if ((await readFile(peers.certFile).catch(() => undefined)) !== undefined) return;
  const name = `muster-peer.${installation}`;
  await promisify(execFile)("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...["-keyout", peers.keyFile, "-out", peers.certFile, "-days", "365"],
    ...["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`],
  ]);
}

export async function removeState(): Promise<void> {
  await rm(stateDir, { recursive: true, force: true });
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}
