import { LRUCache } from "lru-cache";
import { OutsideFault } from "../../core/errors/outside-fault.js";
import type { Call } from "../../core/ports/call.js";
import type { Pinned } from "../../core/ports/cloud.js";
import type { Openstack } from "../openstack/client.js";
import { listIn, partIn, unlessNotFound } from "./answers.js";
import { microversion } from "./server-body.js";

/** Images and flavors as launch configurations name them: by id or by name. */
export interface Lookups {
  /** As it is now. @returns what is wrong with the name, in words, where there is none */
  image(of: Pinned, idOrName: string, call: Call): Promise<Image | string>;
  /** Its id, at most a minute old. @throws OutsideFault `badRequest` */
  imageId(of: Pinned, idOrName: string, call: Call): Promise<string>;
  flavor(of: Pinned, idOrName: string, call: Call): Promise<Flavor | string>;
  /** As `imageId`. */
  flavorId(of: Pinned, idOrName: string, call: Call): Promise<string>;
}

export interface Image {
  readonly id: string;
  readonly name: string | null;
  readonly status: string;
  /** GiB, of the root disk. */
  readonly min_disk: number;
  /** MiB. */
  readonly min_ram: number;
}

export interface Flavor {
  readonly id: string;
  readonly name: string;
  readonly vcpus: number;
  /** MiB. */
  readonly ram: number;
  /** GiB of the root disk; 0: as large as the image. */
  readonly disk: number;
}

const limits = {
  /** How long an id is taken for that of its name. */
  rememberedMs: 60_000,
  namesMax: 10_000,
  flavorsMax: 1_000,
} as const;

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function createLookups(openstack: Openstack): Lookups {
  const known = new LRUCache<string, string>({ max: limits.namesMax, ttl: limits.rememberedMs });

  const image = async (
    { account, project }: Pinned,
    idOrName: string,
    call: Call,
  ): Promise<Image | string> => {
    const ask = { account, project, service: "image", method: "GET" } as const;
    if (uuid.test(idOrName)) {
      const path = `/v2/images/${idOrName}`;
      const answer = await unlessNotFound(openstack.request({ ...ask, path }, call));
      return answer ? partIn<Image>({ image: answer.body }, "image") : "there is no such image";
    }
    const query = { name: idOrName, limit: "100" };
    const { body } = await openstack.request({ ...ask, path: "/v2/images", query }, call);
    const found = listIn<Image>(body, "images");
    const active = found.filter(({ status }) => status === "active");
    if (active.length > 1) return `${active.length} images have this name: give the id of one`;
    return active[0] ?? found[0] ?? "there is no such image";
  };

  const flavor = async (
    { account, project }: Pinned,
    idOrName: string,
    call: Call,
  ): Promise<Flavor | string> => {
    const query = { limit: String(limits.flavorsMax) };
    const ask = { account, project, service: "compute", method: "GET", microversion } as const;
    const { body } = await openstack.request({ ...ask, path: "/flavors/detail", query }, call);
    const flavors = listIn<Flavor>(body, "flavors");
    const named = flavors.filter(({ name }) => name === idOrName);
    return flavors.find(({ id }) => id === idOrName) ?? named[0] ?? "there is no such flavor";
  };

  const idOf = async (
    what: "image" | "flavor",
    of: Pinned,
    idOrName: string,
    look: () => Promise<Image | Flavor | string>,
  ): Promise<string> => {
    const key = JSON.stringify([what, of.account, of.project, idOrName]);
    const remembered = known.get(key);
    if (remembered !== undefined) return remembered;
    const found = await look();
    if (typeof found === "string")
      throw new OutsideFault("badRequest", `${what} ${idOrName}: ${found}`);
    known.set(key, found.id);
    return found.id;
  };

  return {
    image,
    flavor,
    async imageId(of, idOrName, call) {
      if (uuid.test(idOrName)) return idOrName; // Whether it is there, Nova itself looks.
      return await idOf("image", of, idOrName, () => image(of, idOrName, call));
    },
    flavorId: (of, idOrName, call) =>
      idOf("flavor", of, idOrName, () => flavor(of, idOrName, call)),
  };
}
