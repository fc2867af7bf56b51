import type { OutsideFaultKind } from "../../core/errors/outside-fault.js";

export type Operation =
  | ("create" | "delete" | "get" | "list")
  | ("find" | "check" | "project" | "tag" | "quota" | "console");

/** What can be made to go wrong, at run time. Units: ms. */
export type SimulatedFault =
  /** The cloud has nothing of that name: checks tell, creates are refused. */
  | {
      readonly kind: "missing";
      readonly what: "image" | "flavor" | "zone";
      readonly name: string;
    }
  /** The call is refused and nothing is done; `ambiguous` only says that it might have been. */
  | {
      readonly kind: "refuse";
      readonly on: readonly Operation[];
      readonly with: OutsideFaultKind;
      readonly ambiguous?: boolean;
      readonly retryAfterMs?: number;
      /** Only creates of this flavor, in this zone. */
      readonly flavor?: string;
      readonly zone?: string;
    }
  /** It is done, but no answer comes: an ambiguous error, or silence until the caller gives up. */
  | { readonly kind: "answerLost"; readonly on: "create" | "delete"; readonly hang?: boolean }
  /** The caller cannot tell it from `answerLost`, but nothing is done. */
  | { readonly kind: "requestLost"; readonly on: "create" | "delete"; readonly hang?: boolean }
  /** Like `answerLost`, but done only `delayMs` after the caller was told. */
  | { readonly kind: "lateCreate"; readonly delayMs: number }
  | { readonly kind: "slowCall"; readonly on: readonly Operation[]; readonly delayMs: number }
  /** A new server is missing from `list` and `find` for so long; `get` knows it. */
  | { readonly kind: "listingLag"; readonly lagMs: number }
  /** Every page but the first fails; a listing of one page fails whole. */
  | { readonly kind: "pageFails" }
  /** A page that is not the first shows the servers of the page before once more. */
  | { readonly kind: "pageRepeated" }
  /** The list ends early and does not say so: what a driver must never do, and clouds do. */
  | { readonly kind: "listTruncated"; readonly serversMax: number }
  | { readonly kind: "slowBuild"; readonly extraMs: number }
  /** `faultKind`: what the driver makes of the text, where it tells. */
  | {
      readonly kind: "buildError";
      readonly text: string;
      readonly faultKind?: "noCapacity";
      /** Only servers of this image, of this flavor, in this zone. */
      readonly image?: string;
      readonly flavor?: string;
      readonly zone?: string;
    }
  /** A new server's fate, so long after it has become ACTIVE. */
  | { readonly kind: "laterError"; readonly afterMs: number; readonly text: string }
  | { readonly kind: "laterStatus"; readonly afterMs: number; readonly status: string }
  | { readonly kind: "laterVanish"; readonly afterMs: number }
  /** A new server gets the address of one that is gone. */
  | { readonly kind: "addressReused" }
  /** A delete is accepted and then nothing happens, as long as the fault stands. */
  | { readonly kind: "deleteIgnored" }
  /** Servers of the cell are UNKNOWN, without address; they cannot be deleted. */
  | { readonly kind: "cellDown"; readonly cell: number }
  /**
   * The credentials answer for another project: whoever is pinned to theirs is denied; for others
   * lists are empty, and everything is 404.
   */
  | { readonly kind: "otherProject" };

/** Whether a fault is meant for creates of this kind. */
export function fitsCreate(
  fault: { readonly image?: string; readonly flavor?: string; readonly zone?: string },
  asked: {
    readonly launch: { readonly image: string; readonly flavor: string };
    readonly zone?: string | undefined;
  },
): boolean {
  return (
    (fault.image === undefined || fault.image === asked.launch.image) &&
    (fault.flavor === undefined || fault.flavor === asked.launch.flavor) &&
    (fault.zone === undefined || fault.zone === asked.zone)
  );
}

/** For whom, how often and how many times. Without these: everyone, always, for good. */
export interface FaultScope {
  readonly account?: string;
  /** The part of the occasions on which it strikes, in (0, 1]. */
  readonly share?: number;
  readonly timesMax?: number;
}

/** One fault that was switched on. */
export interface FaultSwitch {
  readonly fault: SimulatedFault;
  /** How often it struck. */
  fired(): number;
  off(): void;
}

export interface FaultBoard {
  inject(fault: SimulatedFault, scope?: FaultScope): FaultSwitch;
  /** Switches everything off. */
  heal(): void;
  /** The first fault of the kind that strikes on this occasion; counts it. */
  strike<Kind extends SimulatedFault["kind"]>(
    kind: Kind,
    account: string,
    fits?: (fault: FaultOf<Kind>) => boolean,
  ): FaultOf<Kind> | undefined;
  /** How often each kind has struck, off or on. */
  fired(): ReadonlyMap<SimulatedFault["kind"], number>;
}

export type FaultOf<Kind extends SimulatedFault["kind"]> = Extract<
  SimulatedFault,
  { readonly kind: Kind }
>;

/** Every kind of fault has a stream of chance of its own, so that none moves another's strikes. */
export function createFaultBoard(fork: (label: string) => () => number): FaultBoard {
  const active = new Set<Active>();
  const streams = new Map<SimulatedFault["kind"], () => number>();
  const totals = new Map<SimulatedFault["kind"], number>();

  const chance = (kind: SimulatedFault["kind"]): number => {
    const stream = streams.get(kind) ?? fork(`fault ${kind}`);
    streams.set(kind, stream);
    return stream();
  };
  const strikes = ({ fault, scope, fired }: Active, account: string) =>
    (scope.account === undefined || scope.account === account) &&
    (scope.timesMax === undefined || fired < scope.timesMax) &&
    (scope.share === undefined || chance(fault.kind) < scope.share);

  return {
    inject(fault, scope = {}) {
      const one: Active = { fault, scope, fired: 0 };
      active.add(one);
      return { fault, fired: () => one.fired, off: () => void active.delete(one) };
    },
    heal: () => active.clear(),
    strike<Kind extends SimulatedFault["kind"]>(
      kind: Kind,
      account: string,
      fits: (fault: FaultOf<Kind>) => boolean = () => true,
    ) {
      for (const one of active) {
        if (!isKind(one.fault, kind) || !fits(one.fault) || !strikes(one, account)) continue;
        one.fired += 1;
        totals.set(kind, (totals.get(kind) ?? 0) + 1);
        return one.fault;
      }
      return undefined;
    },
    fired: () => new Map(totals),
  };
}

interface Active {
  readonly fault: SimulatedFault;
  readonly scope: FaultScope;
  fired: number;
}

function isKind<Kind extends SimulatedFault["kind"]>(
  fault: SimulatedFault,
  kind: Kind,
): fault is FaultOf<Kind> {
  return fault.kind === kind;
}
