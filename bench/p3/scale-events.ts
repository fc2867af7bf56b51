import assert from "node:assert/strict";
import { create, type DescMethodUnary } from "@bufbuild/protobuf";
import {
  ScalingService,
  type SetTargetRequest,
  SetTargetRequestSchema,
  type SetTargetResponse,
} from "../../src/gen/muster/v1/scaling_service_pb.js";
import { openBareStore } from "../lib/bare-store.js";
import {
  atLeast,
  type Bench,
  type BenchRun,
  below,
  type Figure,
  pairFigure,
} from "../lib/bench.js";
import { measureCallers } from "../lib/callers.js";
import { startChild } from "../lib/child.js";
import type { Written } from "../lib/counted-store.js";
import { bearer, callUnary, openGrpcClient } from "../lib/grpc-call.js";
import {
  bareLoad,
  createSubmitter,
  perEvent,
  type Submit,
  weigh,
  writtenText,
} from "../lib/intake.js";
import {
  type BenchMuster,
  benchCaller,
  benchColo,
  benchGroup,
  benchToken,
  createGroups,
  openBenchMuster,
} from "../lib/muster.js";
import { measurePairs, type Pairs } from "../lib/pairs.js";
import { growthExponent, medianOf, summaryOf } from "../lib/statistics.js";

const callerCounts = [1, 50, 500] as const;
const sideCallers = 50;
const rounds = 5;
const forMs = 1_000;
const warmUpMs = 800;
/** Compiling a whole server takes longer. */
const wireWarmUpMs = 3_000;
const connections = 5;
const ratioMin = 0.5;
const uncontendedMs = 10;

/** P3: scale events taken and decided per second, durable. */
export const scaleEvents: Bench = {
  id: "P3",
  title: "scale events accepted per second, durable, one node, embedded store",
  async run(run) {
    const intake = await inProcess(run, { callerCounts, converges: false, requestIds: false });
    const side = { callerCounts: [sideCallers] };
    const keyed = await inProcess(run, { ...side, converges: false, requestIds: true });
    const turning = await inProcess(run, { ...side, converges: true, requestIds: false });
    const wire = await overGrpc(run, intake.find((one) => one.callers === sideCallers)!.written);
    const uncontended = intake[0]!;
    const points = intake.map(({ callers, pairs }) => {
      return { size: callers, cost: 1000 / pairs.ours.median };
    });
    return {
      ratios: Object.fromEntries(intake.map(({ callers, pairs }) => [`${callers}`, pairs.ratio])),
      targets: [
        ...intake.map(({ callers, pairs }) =>
          atLeast(`${callers} callers: share of the bare commit rate`, ratioMin, pairs.ratio),
        ),
        below(
          "p99 of an uncontended event beyond one commit's p50, ms",
          uncontendedMs,
          medianOf(uncontended.p99Ms) - medianOf(uncontended.bareP50Ms),
        ),
      ],
      figures: [
        ...intake.flatMap((one) => figuresOf("", one)),
        ...keyed.flatMap((one) => figuresOf(", with request ids", one)),
        ...turning.flatMap((one) => figuresOf(", with turns under a brake", one)),
        pairFigure(`${sideCallers} callers over gRPC`, "events/s", wire),
      ],
      growth: [
        {
          name: "an event's time",
          of: "callers",
          cost: "ms of wall time an event",
          points,
          exponent: growthExponent(points),
        },
      ],
      notes: [
        "every caller sets its own group's target, alternating, and every event is applied",
        "intake alone: another node holds the leases, so that nothing converges; no cloud is called",
        `ours writes for one event: ${intake.map(({ callers, written }) => `${callers} callers: ${writtenText(written)}`).join("; ")}`,
        `with request ids: ${writtenText(keyed[0]!.written)}; with turns: ${writtenText(turning[0]!.written)}`,
        "reference: the embedded store alone, as many callers, 1 commit for 1 event, the same bytes",
        "the journal's copy runs beside ours and is waited for; nobody follows the events",
        "over gRPC: server in a process of its own, against the same reference",
      ],
    };
  },
};

interface Case extends Times {
  readonly callers: number;
  readonly pairs: Pairs;
  /** Per event. */
  readonly written: Written;
}

/** Round by round. */
interface Times {
  readonly p50Ms: number[];
  readonly p99Ms: number[];
  readonly bareP50Ms: number[];
  readonly bareP99Ms: number[];
  /** How far the journal was behind at the end. */
  readonly journalMs: number[];
}

interface InProcess {
  readonly callerCounts: readonly number[];
  readonly converges: boolean;
  readonly requestIds: boolean;
}

async function inProcess(run: BenchRun, options: InProcess): Promise<Case[]> {
  const muster = await openBenchMuster({ listens: false, converges: options.converges });
  try {
    await createGroups(muster, Math.max(...options.callerCounts));
    if (options.converges) await brake(muster);
    const submit = createSubmitter(muster, options.requestIds);
    const cases: Case[] = [];
    for (const callers of options.callerCounts) {
      const one = await measureCase(muster, callers, submit);
      const { ours, reference, ratio } = one.pairs;
      const rates = `${Math.round(ours.median)} of ${Math.round(reference.median)} events/s`;
      const what = `${options.requestIds ? ", request ids" : ""}${options.converges ? ", turns" : ""}`;
      run.say(`${callers} callers${what}: ${rates}, ratio ${ratio.toFixed(2)}`);
      cases.push(one);
    }
    return cases;
  } finally {
    await muster.dispose();
  }
}

/** Turns observe, plan and write down what they find, but nothing is created. */
async function brake(muster: BenchMuster): Promise<void> {
  await muster.supervisor.colos.setBrake(
    { colo: benchColo, operations: ["create"], reason: "only intake is measured" },
    benchCaller,
  );
}

async function measureCase(muster: BenchMuster, callers: number, submit: Submit): Promise<Case> {
  const times = { p50Ms: [], p99Ms: [], bareP50Ms: [], bareP99Ms: [], journalMs: [] } as Times;
  const { events, written } = await weigh(muster, callers, submit);
  const bare = await openBareStore({ ...bareLoad(written, events), callers });
  try {
    await measureCallers({ callers, forMs: warmUpMs, call: submit });
    await bare.measure(warmUpMs);
    const pairs = await measurePairs({
      rounds,
      async ours() {
        const rate = await measureCallers({ callers, forMs, call: submit });
        times.p50Ms.push(rate.latencyMsP50);
        times.p99Ms.push(rate.latencyMsP99);
        // What is left to do for ours must not slow the reference down.
        times.journalMs.push(await muster.settle());
        return rate.perSecond;
      },
      async reference() {
        const rate = await bare.measure(forMs);
        times.bareP50Ms.push(rate.latencyMsP50);
        times.bareP99Ms.push(rate.latencyMsP99);
        return rate.commitsPerSecond;
      },
    });
    return { callers, pairs, written: perEvent(written, events), ...times };
  } finally {
    await bare.close();
  }
}

function figuresOf(suffix: string, one: Case): Figure[] {
  const name = `${one.callers} callers${suffix}`;
  const p50 = { ours: summaryOf(one.p50Ms), reference: summaryOf(one.bareP50Ms) };
  const p99 = { ours: summaryOf(one.p99Ms), reference: summaryOf(one.bareP99Ms) };
  return [
    pairFigure(name, "events/s", one.pairs),
    { name: `${name}, p50`, unit: "ms", ...p50 },
    { name: `${name}, p99`, unit: "ms", ...p99 },
    { name: `${name}, journal behind at the end`, unit: "ms", ours: summaryOf(one.journalMs) },
  ];
}

/** The same through the API, from this process to one of its own. */
async function overGrpc(run: BenchRun, written: Written): Promise<Pairs> {
  const child = await startChild(new URL("../lib/muster-child.js", import.meta.url), ["takesOnly"]);
  const address = await child.ask<string>("address");
  const clients = Array.from({ length: connections }, () => openGrpcClient(address));
  const bare = await openBareStore({ ...bareLoad(written, 1), callers: sideCallers });
  try {
    await child.ask("createGroups", sideCallers);
    const call = createWireSubmitter(clients);
    await measureCallers({ callers: sideCallers, forMs: wireWarmUpMs, call });
    await bare.measure(warmUpMs);
    const pairs = await measurePairs({
      rounds,
      async ours() {
        const { perSecond } = await measureCallers({ callers: sideCallers, forMs, call });
        await child.ask("settle");
        return perSecond;
      },
      reference: async () => (await bare.measure(forMs)).commitsPerSecond,
    });
    run.say(
      `over gRPC: ${Math.round(pairs.ours.median)} events/s, ratio ${pairs.ratio.toFixed(2)}`,
    );
    return pairs;
  } finally {
    for (const client of clients) client.close();
    await bare.close();
    await child.stop();
  }
}

function createWireSubmitter(clients: readonly ReturnType<typeof openGrpcClient>[]): Submit {
  const metadata = bearer(benchToken);
  const targets = new Map<number, number>();
  return async (caller) => {
    const target = targets.get(caller) === 1 ? 2 : 1;
    targets.set(caller, target);
    const { account, group } = benchGroup(caller);
    const name = `accounts/${account}/groups/${group}`;
    const request: SetTargetRequest = create(SetTargetRequestSchema, { name, target });
    const method: DescMethodUnary = ScalingService.method.setTarget;
    const client = clients[caller % clients.length]!;
    const { receipt } = await callUnary<SetTargetRequest, SetTargetResponse>(
      client,
      method,
      request,
      metadata,
    );
    assert.equal(receipt?.newTarget, target);
  };
}
