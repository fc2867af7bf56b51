import { execFile } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { addressesMax, enter, namespaceOf, networks, subnetOf } from "../../bed/place.js";

/** Where the tests and their clients are: every colo is reached from there, whatever is cut. */
export const world = "world";

const run = promisify(execFile);
const ip = (...words: readonly string[]) => run("ip", words);
const forwarding = "/proc/sys/net/ipv4/ip_forward";

/**
 * A network for each colo, in a namespace of its own, and one for the world, which hands on what
 * colos send each other.
 *
 * @throws Error: not as root, or there are such namespaces already
 */
export async function layNetworks(): Promise<void> {
  await addNamespace(world);
  for (const colo of networks) {
    await addNamespace(colo);
    const [here, there] = [namespaceOf(world), namespaceOf(colo)];
    const pair = ["type", "veth", "peer", "name", world, "netns", there];
    await ip("-n", here, "link", "add", colo, ...pair);
    const gateway = `${subnetOf(colo)}.254`;
    await ip("-n", here, "address", "add", `${gateway}/24`, "dev", colo);
    for (let number = 1; number <= addressesMax; number++)
      await ip("-n", there, "address", "add", `${subnetOf(colo)}.${number}/24`, "dev", world);
    await ip("-n", here, "link", "set", colo, "up");
    await ip("-n", there, "link", "set", world, "up");
    await ip("-n", there, "route", "add", "default", "via", gateway);
  }
  const [program = "", ...words] = enter(world);
  await run(program, [...words, "sh", "-c", `echo 1 > ${forwarding}`]);
}

/** Also what a run that was killed has left. */
export async function removeNetworks(): Promise<void> {
  const names = await readdir("/run/netns").catch((): string[] => []);
  for (const name of [world, ...networks].map(namespaceOf))
    if (names.includes(name)) await ip("netns", "delete", name);
}

async function addNamespace(network: string): Promise<void> {
  await ip("netns", "add", namespaceOf(network));
  await ip("-n", namespaceOf(network), "link", "set", "lo", "up");
}

/** The way between colos, told by a program that runs in the world. */
export const ways = {
  /** What colos send each other vanishes, without a word to whoever sent it, until `mend`. */
  cut: () => writeFile(forwarding, "0"),
  mend: () => writeFile(forwarding, "1"),
  /** Packets that vanished so far. */
  async dropped(): Promise<number> {
    const text = await readFile("/proc/net/snmp", "utf8");
    const [names = "", figures = ""] = text.split("\n").filter((line) => line.startsWith("Ip:"));
    return Number(figures.split(" ")[names.split(" ").indexOf("InAddrErrors")]);
  },
} as const;
