import type { LoadBalancerId } from "../../src/core/model/ids.js";
import type { Cluster } from "./cluster.js";
import { foreignPrefix } from "./oracle/settled.js";
import type { NatureAction } from "./scenario.js";

/** What strikes from outside. Every fault ends by itself, and is counted when it strikes. */
export interface Nature {
  strike(action: NatureAction): void;
  /** Ends all that still strikes, and puts right what does not pass by itself. */
  heal(): void;
  /** How often each kind of fault struck. */
  fired(): Readonly<Record<string, number>>;
}

const plenty = 100_000;

export function createNature(cluster: Cluster, say: (who: string, what: string) => void): Nature {
  const { clock, clouds, balancers, storeFaults } = cluster;
  const counts: Record<string, number> = {};
  const count = (label: string, times = 1) => {
    if (times > 0) counts[label] = (counts[label] ?? 0) + times;
  };
  /** Ends that are still to come; counted then. */
  const ends = new Set<() => void>();

  function during(forMs: number, what: string, end: () => void): void {
    const once = () => {
      if (!ends.delete(once)) return;
      end();
      say("nature", `${what} is over`);
    };
    ends.add(once);
    clock.after(forMs, once);
  }

  const nthOf = (colo: string, nth: number) => {
    const servers = clouds.get(colo)?.servers() ?? [];
    return servers[nth % Math.max(1, servers.length)];
  };

  return {
    strike(action) {
      switch (action.kind) {
        case "cloud": {
          const { colo, fault, share, label, forMs } = action;
          const standing = clouds.get(colo)?.inject(fault, { share });
          if (!standing) return;
          during(forMs, `${label} in ${colo}`, () => {
            count(`cloud.${label}`, standing.fired());
            standing.off();
          });
          return;
        }
        case "store": {
          const { fault, share, forMs } = action;
          storeFaults.chance[fault] = share;
          during(forMs, `store ${fault}`, () => {
            storeFaults.chance[fault] = 0;
          });
          return;
        }
        case "balancer": {
          const { colo, fault, methods, share, forMs } = action;
          const standing = balancers.get(colo)?.inject({ fault, methods, share });
          if (!standing) return;
          during(forMs, `${fault.kind} balancers in ${colo}`, () => {
            count(`balancer.${fault.kind}`, standing.fired());
            standing.stop();
          });
          return;
        }
        case "quota": {
          const cloud = clouds.get(action.colo);
          const before = cloud?.quotaRefusals() ?? 0;
          cloud?.setQuota(action.servers);
          during(action.forMs, `quota in ${action.colo}`, () => {
            count("cloud.quota", (cloud?.quotaRefusals() ?? 0) - before);
            cloud?.setQuota(plenty);
          });
          return;
        }
        case "partition": {
          const { one, two, cuts, forMs } = action;
          for (const what of cuts) {
            const links = what === "store" ? cluster.storeLinks : cluster.peerLinks;
            links.cut(one, two);
            count(`colos.${what}Cut`);
            during(forMs, `what parted ${one} and ${two} (${what})`, () => links.mend(one, two));
          }
          return;
        }
        case "vanish": {
          const server = nthOf(action.colo, action.nth);
          if (!server?.ownership) return; // A customer's own is the customer's business.
          say("nature", `${server.id} vanishes`);
          if (clouds.get(action.colo)?.vanish(server.id)) count("cloud.vanish");
          return;
        }
        case "status": {
          const server = nthOf(action.colo, action.nth);
          if (!server) return;
          say("nature", `${server.id} turns ${action.status}`);
          if (clouds.get(action.colo)?.setStatus(server.id, action.status)) count("cloud.status");
          return;
        }
        case "foreign": {
          const { colo, account, copyOf } = action;
          const original = copyOf === undefined ? undefined : nthOf(colo, copyOf);
          // Copied is what runs: nobody copies what is not there yet.
          const copied = original?.status === "ACTIVE" ? original.ownership : undefined;
          const ownership = copied ? { ownership: copied } : {};
          const of = copied?.account ?? account;
          const id = clouds
            .get(colo)
            ?.addForeign({ account: of, name: "customer's", ...ownership });
          say(
            "nature",
            `a customer makes ${id} in ${colo}${copied ? `, copying ${original?.id}` : ""}`,
          );
          count(copied ? "cloud.copiedTags" : "cloud.foreign");
          return;
        }
        case "foreignMember": {
          const id = action.balancer as LoadBalancerId;
          const there = balancers.get(action.colo);
          if (!there?.has(id)) return;
          there.addForeign(id, { host: `${foreignPrefix}.example`, port: 80 });
          count("balancer.foreign");
          return;
        }
        case "balancerGone": {
          const there = balancers.get(action.colo);
          if (!there?.has(action.balancer as LoadBalancerId)) return;
          there.removeLoadBalancer(action.balancer as LoadBalancerId);
          say("nature", `${action.balancer} in ${action.colo} is gone`);
          count("balancer.gone");
          return;
        }
        default:
          action satisfies never;
      }
    },
    heal() {
      for (const end of [...ends]) end();
      cluster.heal();
      for (const cloud of clouds.values())
        for (const { id, status, ownership } of cloud.servers())
          if (ownership && !lively.has(status)) cloud.setStatus(id, "ACTIVE");
    },
    fired() {
      const all = { ...counts };
      for (const [name, times] of Object.entries(storeFaults.fired))
        if (times > 0) all[`store.${name}`] = times;
      const { answers } = cluster.peerNet.lost;
      if (answers > 0) all["colos.answerLost"] = answers;
      return all;
    },
  };
}

/** What passes by itself, or is dealt with. */
const lively: ReadonlySet<string> = new Set(["ACTIVE", "BUILD", "ERROR", "DELETED"]);
