import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { AccessService } from "../../src/gen/muster/v1/access_service_pb.js";
import { ColoService } from "../../src/gen/muster/v1/colo_service_pb.js";
import { EventService } from "../../src/gen/muster/v1/event_service_pb.js";
import { GroupService } from "../../src/gen/muster/v1/group_service_pb.js";
import { PolicyService } from "../../src/gen/muster/v1/policy_service_pb.js";
import { ScalingService } from "../../src/gen/muster/v1/scaling_service_pb.js";
import { ServerService } from "../../src/gen/muster/v1/server_service_pb.js";
import { type CallOptions, type Door, failureOf, type Unary } from "./doors.js";
import { badSimulations } from "./simulation-requests.js";
import { admin, createWeb, createWorld, tokens, validGroup, validPolicy, WEB } from "./world.js";

const parent = "accounts/acme";

interface BadCall {
  readonly title: string;
  readonly fields: readonly string[];
  readonly call: (door: Door) => Promise<unknown>;
}

function bad<I extends DescMessage, O extends DescMessage>(
  method: Unary<I, O>,
  request: MessageInitShape<I>,
  fields: readonly string[],
  options: CallOptions = admin,
): BadCall {
  const title = `${method.name}: ${fields.join(", ")}`;
  return { title, fields, call: (door) => door.unary(method, request, options) };
}

type GroupInit = Parameters<typeof validGroup>[0];
type PolicyInit = Parameters<typeof validPolicy>[0];

const badGroup = (more: GroupInit, ...fields: string[]) =>
  bad(GroupService.method.createGroup, { parent, group: validGroup(more) }, fields);

const badPolicy = (more: PolicyInit, ...fields: string[]) =>
  bad(PolicyService.method.createPolicy, { parent: WEB, policy: validPolicy(more) }, fields);

const badUpdate = (paths: string[], more: GroupInit, ...fields: string[]) =>
  bad(
    GroupService.method.updateGroup,
    { group: { ...more, name: WEB }, updateMask: { paths } },
    fields,
  );

const root = { token: tokens.root };
const placement = { colo: "iad", min: 2, max: 10 };
const attachment = { loadBalancer: "lb1", port: 80 };
const launch = { image: "debian", flavor: "small" };
const withAttachment = (more: object): GroupInit => ({
  placements: [{ ...placement, loadBalancers: [{ ...attachment, ...more }] }],
});

interface Choices {
  readonly fallbackFlavors?: string[];
  readonly availabilityZones?: string[];
}
const badChoices = (more: Choices, field: string) =>
  badGroup({ launchConfiguration: { ...launch, ...more } }, `group.launch_configuration.${field}`);

const groupCalls: readonly BadCall[] = [
  badGroup({ displayName: "" }, "group.display_name"),
  badGroup({ displayName: " \t" }, "group.display_name"),
  badGroup({ displayName: "x".repeat(257) }, "group.display_name"),
  badGroup({ placements: [] }, "group.placements"),
  badGroup({ placements: [{ ...placement, min: 11 }] }, "group.placements[0].min"),
  badGroup({ placements: [{ ...placement, min: -1 }] }, "group.placements[0].min"),
  badGroup({ placements: [{ ...placement, max: 2001 }] }, "group.placements[0].max"),
  badGroup({ placements: [{ ...placement, weight: -1 }] }, "group.placements[0].weight"),
  badGroup({ placements: [{ ...placement, colo: "IAD" }] }, "group.placements[0].colo"),
  badGroup({ placements: [placement, placement] }, "group.placements[1].colo"),
  badGroup({ placements: [placement, { ...placement, colo: "mars" }] }, "group.placements[1].colo"),
  badGroup(
    withAttachment({ loadBalancer: "" }),
    "group.placements[0].load_balancers[0].load_balancer",
  ),
  badGroup(withAttachment({ port: 65536 }), "group.placements[0].load_balancers[0].port"),
  badGroup(withAttachment({ weight: 0 }), "group.placements[0].load_balancers[0].weight"),
  badGroup(
    withAttachment({ drainTimeout: durationFromMs(3_601_000) }),
    "group.placements[0].load_balancers[0].drain_timeout",
  ),
  badGroup(
    { placements: [{ ...placement, loadBalancers: [attachment, attachment] }] },
    "group.placements[0].load_balancers[1]",
  ),
  badGroup(
    {
      placements: [
        {
          ...placement,
          loadBalancers: [1, 2, 3, 4, 5, 6].map((port) => ({ loadBalancer: "lb1", port })),
        },
      ],
    },
    "group.placements[0].load_balancers",
  ),
  badGroup({ cooldown: durationFromMs(-1) }, "group.cooldown"),
  badGroup({ cooldown: durationFromMs(86_401_000) }, "group.cooldown"),
  badGroup({ warmUp: durationFromMs(-1) }, "group.warm_up"),
  badGroup({ buildTimeout: durationFromMs(0) }, "group.build_timeout"),
  badGroup({ stoppedGrace: durationFromMs(-1) }, "group.stopped_grace"),
  badGroup({ stoppedServers: 9 as never }, "group.stopped_servers"),
  badGroup({ scaleInOrder: 9 as never }, "group.scale_in_order"),
  badGroup({ surge: -1 }, "group.surge"),
  badGroup({ target: 11 }, "group.target"),
  badGroup({ target: -1 }, "group.target"),
  badGroup({ labels: { "-x": "x" } }, 'group.labels["-x"]'),
  badGroup({ labels: { tier: "x".repeat(257) } }, 'group.labels["tier"]'),
  badGroup({ launchConfiguration: undefined as never }, "group.launch_configuration"),
  badGroup(
    { launchConfiguration: { ...launch, userData: "x".repeat(65_536) } },
    "group.launch_configuration.user_data",
  ),
  badGroup(
    { launchConfiguration: { ...launch, image: "x".repeat(256) } },
    "group.launch_configuration.image",
  ),
  badGroup(
    { displayName: "", surge: -1, placements: [{ ...placement, min: 11 }] },
    "group.display_name",
    "group.placements[0].min",
    "group.surge",
  ),
  bad(GroupService.method.createGroup, { parent, groupId: "No" }, ["group_id", "group"]),
  bad(GroupService.method.createGroup, { parent: "acme", group: validGroup() }, ["parent"]),
  bad(
    GroupService.method.createGroup,
    { parent, group: validGroup(), requestId: "x".repeat(129) },
    ["request_id"],
  ),
  bad(GroupService.method.getGroup, { name: "groups/web" }, ["name"]),
  bad(GroupService.method.getGroup, { name: parent }, ["name"]),
  bad(GroupService.method.listGroups, { parent, pageSize: 1001 }, ["page_size"]),
  bad(GroupService.method.listGroups, { parent, pageToken: "nonsense" }, ["page_token"]),
  badChoices({ fallbackFlavors: ["large", "small"] }, "fallback_flavors[1]"),
  badChoices({ fallbackFlavors: ["large", "large"] }, "fallback_flavors"),
  badChoices({ fallbackFlavors: ["large", " "] }, "fallback_flavors[1]"),
  badChoices({ fallbackFlavors: [..."abcdefghi"] }, "fallback_flavors"),
  badChoices({ availabilityZones: ["z1", "z2", "z1"] }, "availability_zones"),
  badChoices({ availabilityZones: [""] }, "availability_zones[0]"),
  badChoices({ availabilityZones: [..."abcdefghijklmnopq"] }, "availability_zones"),
  bad(GroupService.method.deleteGroup, { name: WEB, etag: "x".repeat(65) }, ["etag"]),
  bad(GroupService.method.pauseGroup, { name: WEB, reason: "x".repeat(1025) }, ["reason"]),
  bad(GroupService.method.pauseGroup, { name: WEB, processes: [0] }, ["processes[0]"]),
  bad(GroupService.method.pauseGroup, { name: WEB, processes: [1, 0, 2] }, ["processes[1]"]),
  bad(GroupService.method.pauseGroup, { name: WEB, processes: [2, 2] }, ["processes"]),
  bad(GroupService.method.resumeGroup, { name: WEB, processes: [1, 2, 3, 4, 5, 0] }, [
    "processes",
    "processes[5]",
  ]),
];

const updateCalls: readonly BadCall[] = [
  bad(GroupService.method.updateGroup, {}, ["group.name"]),
  bad(GroupService.method.updateGroup, { group: validGroup() }, ["group.name"]),
  badUpdate(["colour"], {}, "update_mask.paths[0]"),
  badUpdate(
    ["surge", "uid", "target", "status"],
    {},
    "update_mask.paths[1]",
    "update_mask.paths[2]",
    "update_mask.paths[3]",
  ),
  badUpdate(["placements.min"], {}, "update_mask.paths[0]"),
  badUpdate(["cooldown.seconds"], {}, "update_mask.paths[0]"),
  badUpdate(["display_name"], {}, "group.display_name"),
  badUpdate(["placements"], { placements: [{ ...placement, min: 11 }] }, "group.placements[0].min"),
  badUpdate(["placements"], { placements: [placement, placement] }, "group.placements[1].colo"),
  badUpdate(["launch_configuration"], {}, "group.launch_configuration"),
  badUpdate(
    [],
    { surge: 1 },
    "group.display_name",
    "group.placements",
    "group.launch_configuration",
  ),
  bad(
    PolicyService.method.updatePolicy,
    { policy: { name: `${WEB}/policies/up` }, updateMask: { paths: ["change"] } },
    ["policy.action"],
  ),
  bad(
    PolicyService.method.updatePolicy,
    { policy: { name: `${WEB}/policies/up` }, updateMask: { paths: ["etag", "alert_rule.nope"] } },
    ["update_mask.paths[0]", "update_mask.paths[1]"],
  ),
  bad(PolicyService.method.updatePolicy, { policy: { name: WEB } }, ["policy.name"]),
];

const policyCalls: readonly BadCall[] = [
  badPolicy({ displayName: " " }, "policy.display_name"),
  badPolicy({ action: { case: undefined } }, "policy.action"),
  badPolicy({ action: { case: "change", value: 0 } }, "policy.change"),
  badPolicy({ action: { case: "change", value: 32_001 } }, "policy.change"),
  badPolicy({ action: { case: "changePercent", value: 0 } }, "policy.change_percent"),
  badPolicy({ action: { case: "changePercent", value: Number.NaN } }, "policy.change_percent"),
  badPolicy(
    { action: { case: "changePercent", value: Number.POSITIVE_INFINITY } },
    "policy.change_percent",
  ),
  badPolicy({ action: { case: "changePercent", value: 0.00001 } }, "policy.change_percent"),
  badPolicy({ action: { case: "changePercent", value: 12.34567 } }, "policy.change_percent"),
  badPolicy({ action: { case: "exact", value: -1 } }, "policy.exact"),
  badPolicy({ cooldown: durationFromMs(-1) }, "policy.cooldown"),
  badPolicy({ debounce: durationFromMs(3_601_000) }, "policy.debounce"),
  badPolicy({ alertRule: { actsOn: 1 } }, "policy.alert_rule.acts_on"),
  badPolicy({ alertRule: { actsOn: 77 as never } }, "policy.alert_rule.acts_on"),
  badPolicy({ alertRule: { hold: durationFromMs(-1) } }, "policy.alert_rule.hold"),
  badPolicy({ alertRule: { timeToLive: durationFromMs(0) } }, "policy.alert_rule.time_to_live"),
  badPolicy({ alertRule: { repeat: durationFromMs(0) } }, "policy.alert_rule.repeat"),
  badPolicy({ alertRule: { maxRepeats: -1 } }, "policy.alert_rule.max_repeats"),
  bad(PolicyService.method.createPolicy, { parent: WEB, policyId: "-" }, ["policy_id", "policy"]),
  bad(PolicyService.method.executePolicy, { name: WEB }, ["name"]),
  bad(PolicyService.method.executePolicy, { name: `${WEB}/policies/up`, force: { reason: " " } }, [
    "force.reason",
  ]),
];

const simulationCalls: readonly BadCall[] = badSimulations.map(({ request, fields }) =>
  bad(PolicyService.method.simulatePolicy, request, fields),
);

const otherCalls: readonly BadCall[] = [
  bad(ScalingService.method.setTarget, { name: WEB, target: -1 }, ["target"]),
  bad(ScalingService.method.setTarget, { name: WEB, target: 32_001 }, ["target"]),
  bad(ScalingService.method.scale, { name: WEB, change: 0 }, ["change"]),
  bad(
    ScalingService.method.scale,
    { name: WEB, change: 1, force: { reason: "x", duration: durationFromMs(0) } },
    ["force.duration"],
  ),
  bad(
    ScalingService.method.reportAlert,
    { policy: `${WEB}/policies/up`, key: "", state: 0, value: Number.NaN },
    ["key", "state", "value"],
  ),
  bad(ServerService.method.listServers, { parent: WEB, states: [0] }, ["states[0]"]),
  bad(ServerService.method.listServers, { parent: WEB, pageSize: -1 }, ["page_size"]),
  bad(ServerService.method.getServer, { name: `${WEB}/servers/UP` }, ["name"]),
  bad(EventService.method.searchEvents, { parent, text: "x".repeat(257) }, ["text"]),
  bad(EventService.method.searchEvents, { parent, types: [""] }, ["types[0]"]),
  bad(GroupService.method.planGroup, { name: WEB, target: -1 }, ["target"]),
  bad(
    GroupService.method.checkGroup,
    { name: WEB, group: validGroup({ displayName: "", surge: -1 }) },
    ["group.display_name", "group.surge"],
  ),
  bad(EventService.method.explainEvent, { name: `${WEB}/events/e1` }, ["name"]),
  bad(
    EventService.method.searchEvents,
    { parent, startTime: timestampFromMs(2_000), endTime: timestampFromMs(1_000) },
    ["end_time"],
  ),
  bad(ColoService.method.getColo, { name: "iad" }, ["name"], root),
  bad(AccessService.method.setCredentials, { name: `${parent}/credentials/I` }, ["name", "secret"]),
  bad(
    AccessService.method.setCredentials,
    { name: `${parent}/credentials/iad`, secret: { user: "x" } },
    ["secret.password"],
  ),
  bad(AccessService.method.getCredentials, { name: `${parent}/groups/iad` }, ["name"]),
  bad(
    ColoService.method.setBrake,
    { name: "colos/iad", operations: [], reason: "", duration: durationFromMs(0) },
    ["operations", "reason", "duration"],
    root,
  ),
  bad(
    ColoService.method.setBrake,
    { name: "colos/iad", operations: [1, 1], reason: "twice" },
    ["operations"],
    root,
  ),
];

describe("B1.2 what is not legal is INVALID_ARGUMENT that names every field", () => {
  const all = { groupCalls, updateCalls, policyCalls, simulationCalls, otherCalls };
  for (const [title, calls] of Object.entries(all))
    test(title, async (t) => {
      const world = await createWorld(t);
      await createWeb(world.grpc);
      for (const { title: what, fields, call } of calls) {
        const failure = await failureOf(call(world.grpc));
        assert.equal(failure.code, 3, what);
        assert.deepEqual(failure.fields.toSorted(), fields.toSorted(), what);
        assert.ok(failure.message !== "" && failure.reason !== undefined, what);
      }
    });

  test("both other doors tell the same", async (t) => {
    const { doors, grpc } = await createWorld(t);
    await createWeb(grpc);
    for (const { title, call } of [groupCalls.at(4)!, groupCalls.at(33)!, updateCalls.at(3)!]) {
      const [first, ...others] = await Promise.all(doors.map((door) => failureOf(call(door))));
      for (const other of others) {
        assert.deepEqual(other.fields, first!.fields, title);
        assert.equal(other.message, first!.message, title);
      }
    }
  });

  test("nothing of a refused call is kept", async (t) => {
    const { grpc, supervisor } = await createWorld(t);
    for (const { call } of groupCalls) await failureOf(call(grpc));
    const { groups } = await grpc.unary(GroupService.method.listGroups, { parent }, admin);
    assert.deepEqual(groups, []);
    assert.deepEqual(supervisor.events.published, []);
  });
});

describe("B1.3 update masks", () => {
  const { updateGroup, getGroup } = GroupService.method;
  test("only named fields change; a named field that is absent becomes its default", async (t) => {
    const { grpc } = await createWorld(t);
    await createWeb(grpc);
    const launchConfiguration = { image: "fedora", flavor: "ignored" };
    const group = { name: WEB, launchConfiguration, cooldown: durationFromMs(5_000), surge: 3 };
    const paths = ["launch_configuration.image", "cooldown", "build_timeout"];
    await grpc.unary(updateGroup, { group, updateMask: { paths } }, admin);
    const { group: after } = await grpc.unary(getGroup, { name: WEB }, admin);
    assert.equal(after!.launchConfiguration!.image, "fedora");
    assert.equal(after!.launchConfiguration!.flavor, "small");
    assert.deepEqual(after!.cooldown, durationFromMs(5_000));
    assert.deepEqual(after!.buildTimeout, durationFromMs(3_600_000));
    assert.equal(after!.surge, 0);
    assert.equal(after!.launchRevision, 2n);
    const reset = { group: { name: WEB }, updateMask: { paths: ["cooldown"] } };
    const { group: last } = await grpc.unary(updateGroup, reset, admin);
    assert.deepEqual(last!.cooldown, durationFromMs(0));
  });

  test("without a mask, and with *, every settable field is replaced", async (t) => {
    const { grpc } = await createWorld(t);
    await createWeb(grpc);
    for (const mask of [{}, { updateMask: { paths: ["*"] } }]) {
      const first = validGroup({ name: WEB, surge: 4, labels: { a: "b" } });
      await grpc.unary(updateGroup, { group: first, ...mask }, admin);
      const second = validGroup({ name: WEB, uid: "mine", displayName: "Other" });
      const { group } = await grpc.unary(updateGroup, { group: second, ...mask }, admin);
      assert.deepEqual([group!.surge, group!.labels, group!.displayName], [0, {}, "Other"]);
      assert.notEqual(group!.uid, "mine");
    }
  });

  test("validate_only keeps nothing", async (t) => {
    const { grpc } = await createWorld(t);
    await createWeb(grpc);
    const group = { name: WEB, surge: 4 };
    const request = { group, updateMask: { paths: ["surge"] }, validateOnly: true };
    const { group: shown } = await grpc.unary(updateGroup, request, admin);
    assert.equal(shown!.surge, 4);
    const { group: kept } = await grpc.unary(getGroup, { name: WEB }, admin);
    assert.equal(kept!.surge, 0);
  });

  test("what is no etag of ours is a mismatch", async (t) => {
    const { grpc } = await createWorld(t);
    await createWeb(grpc);
    for (const etag of ["1", '"zz"', '"-1"', "nonsense"]) {
      const group = { name: WEB, surge: 4, etag };
      const update = grpc.unary(updateGroup, { group, updateMask: { paths: ["surge"] } }, admin);
      const failure = await failureOf(update);
      assert.deepEqual([failure.code, failure.reason], [10, "ETAG_MISMATCH"], etag);
    }
  });
});
