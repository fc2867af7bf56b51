import { outsideFaultOf } from "../../core/errors/outside-fault.js";
import { cause } from "../../core/model/cause.js";
import type { PlacementKey } from "../../core/model/ids.js";
import { type Step, stepKey } from "../../core/model/observation.js";
import type { CloudServer, Ownership, ServerRow } from "../../core/model/server.js";
import { move } from "../../core/plan/lifecycle.js";
import { ownershipOf, tagsSay } from "../../core/plan/tags.js";
import type { Ticket } from "../colo/admission.js";
import type { Context } from "../context.js";
import type { PlacementChange } from "../placements/placement-state.js";
import type { Cooling } from "./cooling.js";

type StepOf<Kind extends Step["kind"]> = Extract<Step, { readonly kind: Kind }>;

/** Runs the steps that write tags: each looks at the server's own right before (M3.2, B8.1). */
export type TagRuns = (
  key: PlacementKey,
  step: StepOf<"tag" | "untag">,
  ticket: Ticket,
) => Promise<void>;

/** What only a person can change is tried again, rarely. */
const lastingDelayMs = 60_000;

export function createTagRuns(context: Context, cooling: Cooling): TagRuns {
  const { events, clock } = context;

  function rowOf(key: PlacementKey, step: StepOf<"tag" | "untag">): ServerRow | undefined {
    const row = context.placements.peek(key)?.servers.get(step.server);
    const fits = step.kind === "untag" ? row?.state === "releasing" : mayBeTagged(row);
    return row?.cloudId === step.cloudId && fits ? row : undefined;
  }

  /** Sends the tags; false: not now. A later turn asks again. */
  async function send(
    key: PlacementKey,
    step: StepOf<"tag" | "untag">,
    ownership: Ownership | undefined,
  ): Promise<boolean> {
    const { outside, servers } = context.colos.get(key.colo)!;
    const { server, cloudId } = step;
    const unless = () => (rowOf(key, step) ? undefined : cause("M3.2", "WITHDRAWN", { server }));
    try {
      const request = { account: key.account, id: cloudId, ownership };
      const answer = await outside.tagServer({ key, unless }, request);
      return answer.kind === "answered";
    } catch (error) {
      const { kind, message } = outsideFaultOf(error);
      const lasting = kind === "denied" || kind === "badRequest" || kind === "conflict";
      if (!lasting) throw error;
      context.log.warn({ ...key, server, kind, error: message }, "tags not written");
      cooling.start(key, stepKey(step), lastingDelayMs);
      return false;
    } finally {
      servers.forget(key.account);
    }
  }

  const change = (
    key: PlacementKey,
    step: StepOf<"tag" | "untag">,
    decide: (row: ServerRow) => PlacementChange,
  ) => changeBound(context, key, step, decide);

  async function write(key: PlacementKey, step: StepOf<"tag">, ticket: Ticket): Promise<void> {
    const { outside, setup } = context.colos.get(key.colo)!;
    const seen = await outside.getServer({ account: key.account, id: step.cloudId }, { ticket });
    const row = rowOf(key, step);
    if (!row) return;
    if (!seen) {
      // Its loss is judged from a listing and its look-up, not from here.
      cooling.start(key, stepKey(step), setup.pollMs);
      return;
    }
    const expected = ownershipOf(context.installation, key, row);
    const say = tagsSay(seen, expected);
    if (say === "foreign" && !(row.tags === "adopted" && mayBeAdopted(seen, expected))) {
      await change(key, step, (now) => foreignTags(context, now, seen));
      return;
    }
    if (say !== "right" && !(await send(key, step, expected))) return;
    await change(key, step, (now) => {
      if (now.tags === undefined) return {};
      const { tags: _wrong, ...rest } = now;
      const subject = { server: step.server, facts: { cloudId: step.cloudId } };
      return { servers: [rest], events: [events.make("server.tagged", subject)] };
    });
  }

  async function takeAway(key: PlacementKey, step: StepOf<"untag">, ticket: Ticket): Promise<void> {
    const { outside } = context.colos.get(key.colo)!;
    const seen = await outside.getServer({ account: key.account, id: step.cloudId }, { ticket });
    const row = rowOf(key, step);
    if (!row) return;
    const expected = ownershipOf(context.installation, key, row);
    const tagged = seen?.ownership && tagsSay(seen, expected) !== "foreign";
    if (tagged && !(await send(key, step, undefined))) return;
    await change(key, step, (now) => {
      if (now.state !== "releasing") return {};
      const facts = { cloudId: step.cloudId };
      const causes = now.leaving ? [now.leaving] : [];
      const type = seen ? "server.released" : "server.gone";
      const event = events.ofRow(type, now, { facts, causes });
      return { servers: [move(now, "end", clock.nowMs())], events: [event] };
    });
  }

  return (key, step, ticket) =>
    step.kind === "tag" ? write(key, step, ticket) : takeAway(key, step, ticket);
}

/** Changes the row, if it is still bound to the step's server. */
function changeBound(
  context: Context,
  key: PlacementKey,
  step: StepOf<"tag" | "untag" | "delete">,
  decide: (row: ServerRow) => PlacementChange,
) {
  return context.placements.open(key).change((state) => {
    const row = state.servers.get(step.server);
    const fits = row?.cloudId === step.cloudId;
    return { change: row && fits ? decide(row) : {}, reply: undefined };
  });
}

/** Notes, once, that a server is not to be deleted, since it does not carry our tags (B9.5). */
export async function noteForeign(
  context: Context,
  key: PlacementKey,
  step: StepOf<"delete">,
  seen: CloudServer,
): Promise<void> {
  const { server, cloudId } = step;
  context.log.error({ ...key, server, cloudId }, "not deleted: it does not carry our tags");
  await changeBound(context, key, step, (row) => foreignTags(context, row, seen));
}

/** The row whose server's tags are not ours to touch: left for a person. Told once. */
function foreignTags(
  { events }: Context,
  row: ServerRow,
  { id: cloudId, ownership }: CloudServer,
): PlacementChange {
  if (row.tags === "foreign") return {};
  const named = ownership && { installation: ownership.installation, group: ownership.group };
  const why = cause("B9.5", "TAGS_FOREIGN", { server: row.id, cloudId, ...named });
  const event = events.ofRow("server.tags_wrong", row, { causes: [why] });
  return { servers: [{ ...row, tags: "foreign" }], events: [event] };
}

/** Tags that are a delete's witness are not written for it; those of released ones go (B9.5). */
function mayBeTagged(row: ServerRow | undefined): boolean {
  return row?.state !== "deleting" && row?.state !== "releasing";
}

/** A person's order may take over what another group of this very account and installation lost. */
function mayBeAdopted({ ownership }: CloudServer, expected: Ownership): boolean {
  return (
    ownership?.installation === expected.installation && ownership.account === expected.account
  );
}
