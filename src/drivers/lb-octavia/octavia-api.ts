import { OutsideFault, outsideFaultOf } from "../../core/errors/outside-fault.js";
import type { Call } from "../../core/ports/call.js";
import type { LoadBalancerRef } from "../../core/ports/load-balancer.js";
import type { Openstack, OpenstackRequest } from "../openstack/client.js";
import type { OctaviaMember } from "./member-view.js";
import type { MemberBody } from "./plan-changes.js";

/** Octavia's calls for one pool, which is what Muster names by a load balancer's id. */
export interface OctaviaApi {
  /** The load balancer that the pool is part of. @throws OutsideFault `notFound`: no such pool. */
  loadBalancerOf(pool: LoadBalancerRef, call: Call): Promise<string>;
  /** All of them, whoever made them. */
  members(pool: LoadBalancerRef, call: Call): Promise<readonly OctaviaMember[]>;
  /** Adds it. @throws OutsideFault `conflict`: also when its address is a member by now. */
  addMember(pool: LoadBalancerRef, member: MemberBody, call: Call): Promise<void>;
  updateMember(pool: LoadBalancerRef, id: string, member: MemberBody, call: Call): Promise<void>;
  /**
   * Adds and updates these at once, and leaves all others alone that Octavia knew of when it began
   * to think: one that came since may be lost.
   */
  putMembers(pool: LoadBalancerRef, members: readonly MemberBody[], call: Call): Promise<void>;
  /** One that is gone already is success. */
  deleteMember(pool: LoadBalancerRef, id: string, call: Call): Promise<void>;
  /** How far the load balancer is with its last change: ACTIVE, PENDING_UPDATE, ERROR … */
  provisioningStatus(pool: LoadBalancerRef, loadBalancer: string, call: Call): Promise<string>;
}

/** A pool's listing that runs into this many pages is broken. */
const pagesMax = 100;

export function createOctaviaApi(openstack: Openstack): OctaviaApi {
  let isAdditive = false;

  async function ask<Body>(request: Asked, call: Call): Promise<Partial<Body>> {
    const { body } = await openstack.request({ service: "load-balancer", ...request }, call);
    return (body ?? {}) as Partial<Body>;
  }

  const pathOf = ({ id }: LoadBalancerRef) => `/v2/lbaas/pools/${encodeURIComponent(id)}`;

  async function loadBalancerOf(ref: LoadBalancerRef, call: Call): Promise<string> {
    const asked = { ...as(ref), method: "GET", path: pathOf(ref) } as const;
    const { pool } = await ask<PoolBody>(asked, call);
    const id = pool?.loadbalancers?.[0]?.id;
    if (id !== undefined) return id;
    throw new OutsideFault("unknown", `pool ${ref.id} is shown without its load balancer`);
  }

  /**
   * Of a pool that is not there Octavia says so in a page for people when its members are asked
   * for, which might be anybody's; the pool itself then tells for certain.
   */
  async function ofPool<Body>(asked: Asked, ref: LoadBalancerRef, call: Call) {
    try {
      return await ask<Body>(asked, call);
    } catch (error) {
      if (outsideFaultOf(error).kind === "unknown") await loadBalancerOf(ref, call);
      throw error;
    }
  }

  /** Before 2.11 a batch removed whoever it did not name, and said nothing of it (B5.2). */
  async function insistOnAdditive(ref: LoadBalancerRef, call: Call): Promise<void> {
    if (isAdditive) return;
    const { versions = [] } = await ask<VersionsBody>(
      { ...as(ref), method: "GET", path: "/" },
      call,
    );
    isAdditive = versions.some(({ id }) => isFromAdditive(id));
    if (isAdditive) return;
    const told = versions.map(({ id }) => id).join(", ") || "none";
    const say = `Octavia's API must be of version 2.11 or newer; it names ${told}`;
    throw new OutsideFault("badRequest", say);
  }

  return {
    loadBalancerOf,
    async members(ref, call) {
      const found: OctaviaMember[] = [];
      const path = `${pathOf(ref)}/members`;
      let query: Readonly<Record<string, string>> = {};
      for (let page = 0; page < pagesMax; page++) {
        const asked = { ...as(ref), method: "GET", path, query } as const;
        const body = await ofPool<MembersBody>(asked, ref, call);
        if (body.members === undefined)
          throw new OutsideFault("unknown", `pool ${ref.id} is answered without its members`);
        found.push(...body.members);
        const next = body.members_links?.find(({ rel }) => rel === "next")?.href;
        if (next === undefined) return found;
        query = Object.fromEntries(new URL(next).searchParams);
      }
      throw new OutsideFault("unknown", `the members do not end after ${pagesMax} pages`);
    },
    async addMember(ref, member, call) {
      const path = `${pathOf(ref)}/members`;
      await ofPool({ ...as(ref), method: "POST", path, body: { member } }, ref, call);
    },
    async updateMember(ref, id, member, call) {
      const { address: _, protocol_port: _port, ...changed } = member;
      const asked = { ...as(ref), method: "PUT", path: `${pathOf(ref)}/members/${id}` } as const;
      await ofPool({ ...asked, body: { member: changed } }, ref, call);
    },
    async putMembers(ref, members, call) {
      await insistOnAdditive(ref, call);
      const path = `${pathOf(ref)}/members`;
      const query = { additive_only: "true" };
      const asked = { ...as(ref), method: "PUT", path, query, body: { members } } as const;
      await ofPool(asked, ref, call);
    },
    async deleteMember(ref, id, call) {
      const path = `${pathOf(ref)}/members/${id}`;
      try {
        await ofPool({ ...as(ref), method: "DELETE", path }, ref, call);
      } catch (error) {
        if (outsideFaultOf(error).kind !== "notFound") throw error;
        await loadBalancerOf(ref, call); // Unless it is the pool that is gone.
      }
    },
    async provisioningStatus(ref, id, call) {
      const path = `/v2/lbaas/loadbalancers/${encodeURIComponent(id)}`;
      const { loadbalancer } = await ask<BalancerBody>({ ...as(ref), method: "GET", path }, call);
      return loadbalancer?.provisioning_status ?? "of no status";
    },
  };
}

type Asked = Omit<OpenstackRequest, "service">;

function as({ account, project }: LoadBalancerRef) {
  return { account, project };
}

function isFromAdditive(version: string): boolean {
  const [, major, minor] = /^v(\d+)\.(\d+)$/.exec(version) ?? [];
  return Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 11);
}

interface PoolBody {
  readonly pool: { readonly loadbalancers?: readonly { readonly id: string }[] };
}

interface MembersBody {
  readonly members: readonly OctaviaMember[];
  readonly members_links: readonly { readonly rel: string; readonly href: string }[];
}

interface BalancerBody {
  readonly loadbalancer: { readonly provisioning_status: string };
}

interface VersionsBody {
  readonly versions: readonly { readonly id: string }[];
}
