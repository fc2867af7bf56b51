import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { Health } from "../../src/gen/grpc/health/v1/health_pb.js";
import { AccessService } from "../../src/gen/muster/v1/access_service_pb.js";
import { ColoService } from "../../src/gen/muster/v1/colo_service_pb.js";
import { EventService } from "../../src/gen/muster/v1/event_service_pb.js";
import { GroupService } from "../../src/gen/muster/v1/group_service_pb.js";
import { PolicyService } from "../../src/gen/muster/v1/policy_service_pb.js";
import { ScalingService } from "../../src/gen/muster/v1/scaling_service_pb.js";
import { ServerService } from "../../src/gen/muster/v1/server_service_pb.js";
import { accessOf } from "../../src/server/access.js";
import { createStaticTokens, tokenLimits } from "../../src/server/authenticator.js";
import { createDrainSwitch } from "../../src/server/drain-switch.js";
import { createGuard } from "../../src/server/guard.js";
import { serverLimits } from "../../src/server/limits.js";
import { type Permission, permissions, type Role, roles } from "../../src/server/permissions.js";
import { createRequestValidator } from "../../src/server/validate.js";
import { type CallFailure, type Door, failureOf } from "./doors.js";
import {
  admin,
  createInProcessDoor,
  createWeb,
  createWorld,
  tokens,
  validGroup,
  WEB,
} from "./world.js";

const parent = "accounts/acme";
const services = [
  GroupService,
  PolicyService,
  ScalingService,
  ServerService,
  EventService,
  ColoService,
  AccessService,
];

const OWN = `${parent}/credentials/iad`;
const secret = { password: "hush-hush" };

type Try = (door: Door, token: string | undefined) => Promise<unknown>;

const force = { reason: "x" };
const { scale, setTarget } = ScalingService.method;

/** One call for each permission or combination of them. */
const tries: readonly { readonly title: string; readonly needs: Permission[]; readonly go: Try }[] =
  [
    {
      title: "GetGroup",
      needs: ["groups.get"],
      go: (door, token) => door.unary(GroupService.method.getGroup, { name: WEB }, { token }),
    },
    {
      title: "ListGroups",
      needs: ["groups.list"],
      go: (door, token) => door.unary(GroupService.method.listGroups, { parent }, { token }),
    },
    {
      title: "CreateGroup",
      needs: ["groups.create"],
      go: (door, token) =>
        door.unary(
          GroupService.method.createGroup,
          { parent, group: validGroup(), validateOnly: true },
          { token },
        ),
    },
    {
      title: "UpdateGroup",
      needs: ["groups.update"],
      go: (door, token) =>
        door.unary(
          GroupService.method.updateGroup,
          { group: { name: WEB, surge: 1 }, updateMask: { paths: ["surge"] }, validateOnly: true },
          { token },
        ),
    },
    {
      title: "PauseGroup",
      needs: ["groups.pause"],
      go: (door, token) =>
        door.unary(GroupService.method.pauseGroup, { name: WEB, reason: "x" }, { token }),
    },
    {
      title: "Scale up",
      needs: ["scale.up"],
      go: (door, token) => door.unary(scale, { name: WEB, change: 1 }, { token }),
    },
    {
      title: "Scale down",
      needs: ["scale.down"],
      go: (door, token) => door.unary(scale, { name: WEB, change: -1 }, { token }),
    },
    {
      title: "Scale with force",
      needs: ["scale.up", "limits.exceed"],
      go: (door, token) => door.unary(scale, { name: WEB, change: 1, force }, { token }),
    },
    {
      title: "SetTarget",
      needs: ["scale.up"],
      go: (door, token) => door.unary(setTarget, { name: WEB, target: 2 }, { token }),
    },
    {
      title: "ExecutePolicy with force",
      needs: ["policies.execute", "limits.exceed"],
      go: (door, token) =>
        door.unary(
          PolicyService.method.executePolicy,
          { name: `${WEB}/policies/up`, force },
          { token },
        ),
    },
    {
      title: "ListServers",
      needs: ["servers.list"],
      go: (door, token) => door.unary(ServerService.method.listServers, { parent: WEB }, { token }),
    },
    {
      title: "SetCredentials",
      needs: ["access.manage"],
      go: (door, token) =>
        door.unary(AccessService.method.setCredentials, { name: OWN, secret }, { token }),
    },
    {
      title: "GetCredentials",
      needs: ["access.manage"],
      go: (door, token) =>
        door.unary(AccessService.method.getCredentials, { name: OWN }, { token }),
    },
    {
      title: "ListCredentials",
      needs: ["access.manage"],
      go: (door, token) => door.unary(AccessService.method.listCredentials, { parent }, { token }),
    },
    {
      title: "Subscribe",
      needs: ["events.read"],
      go: async (door, token) => {
        const stream = door.stream(
          EventService.method.subscribe,
          { parent, fromStart: true },
          { token },
        );
        await stream.next();
        await stream.return();
      },
    },
  ];

const members: readonly { readonly role: Role; readonly token: string; readonly name: string }[] = [
  { role: "viewer", token: tokens.viewer, name: "vic" },
  { role: "operator", token: tokens.operator, name: "oli" },
  { role: "editor", token: tokens.editor, name: "eda" },
  { role: "admin", token: tokens.admin, name: "ann" },
];

describe("B10.1 roles", () => {
  test("each holds what the one before holds, and more; an admin holds all", () => {
    const order = [roles.viewer, roles.operator, roles.editor, roles.admin];
    for (const [index, role] of order.slice(1).entries()) {
      const before: ReadonlySet<Permission> = order[index]!;
      assert.ok([...before].every((permission) => role.has(permission)));
      assert.ok(role.size > before.size);
    }
    assert.deepEqual([...roles.admin].toSorted(), [...permissions].toSorted());
    assert.ok(!new Set<Permission>(roles.editor).has("limits.exceed"));
  });

  for (const at of [0, 1, 2, 3])
    test(`every role may do just what it holds, door ${at}`, async (t) => {
      const world = await createWorld(t);
      const door = [...world.doors, createInProcessDoor(world.supervisor)][at]!;
      await createWeb(door);
      for (const { title, needs, go } of tries)
        for (const { role, token, name } of members) {
          const held: ReadonlySet<Permission> = roles[role];
          const missing = needs.find((permission) => !held.has(permission));
          const what = `${role}: ${title}`;
          if (missing === undefined) {
            await go(door, token);
            continue;
          }
          const failure = await failureOf(go(door, token));
          assert.deepEqual([failure.code, failure.reason], [7, "PERMISSION_MISSING"], what);
          assert.match(failure.metadata["permission"] ?? "", new RegExp(missing), what);
          if (door.name === "in-process") continue;
          const refusal = world.refusals.at(-1)!;
          assert.equal(refusal.principal, name, what);
          assert.match(refusal.address, /^127\.0\.0\.1:\d+$/, what);
          assert.match(refusal.method, /^muster\.v1\.\w+Service\.\w+$/, what);
          assert.match(refusal.resource, /^accounts\/acme/, what);
        }
    });

  test("SetTarget may be asked for by who may only scale down", async (t) => {
    const token = "only-down-0123456789";
    const authenticator = {
      authenticate: async () => ({
        name: "dot",
        bindings: [{ account: "acme" as never, permissions: new Set(["scale.down"] as const) }],
      }),
    };
    const { grpc, supervisor } = await createWorld(t, { authenticator });
    await createWeb(createInProcessDoor(supervisor));
    await grpc.unary(setTarget, { name: WEB, target: 2 }, { token });
    await grpc.unary(scale, { name: WEB, change: -1 }, { token });
    const up = await failureOf(grpc.unary(scale, { name: WEB, change: 1 }, { token }));
    assert.equal(up.metadata["permission"], "scale.up");
  });

  test("colos belong to the installation: an account's admin has no say there", async (t) => {
    const { doors, refusals } = await createWorld(t);
    for (const door of doors) {
      const failure = await failureOf(door.unary(ColoService.method.listColos, {}, admin));
      assert.deepEqual([failure.code, failure.metadata["permission"]], [7, "colo.read"]);
      await door.unary(ColoService.method.listColos, {}, { token: tokens.root });
    }
    assert.equal(refusals.length, doors.length);
    assert.equal(refusals[0]!.resource, "");
  });
});

describe("B10.2 every method declares its permission", () => {
  test("all of ours do, with a resource that the request has", () => {
    for (const method of services.flatMap(({ methods }) => methods)) {
      const [request, { resourceOf, needsOf }] = [create(method.input), accessOf(method)];
      const needs = needsOf(request).flat();
      assert.ok(needs.length > 0);
      const isOfColos = needs.every((one) => one.startsWith("colo."));
      assert.equal(resourceOf(request), isOfColos ? undefined : "", method.name);
    }
  });

  test("a service with a method that does not is not served", () => {
    const guard = createGuard({
      authenticator: createStaticTokens([]),
      validator: createRequestValidator(),
      clock: createSystemClock(),
      log: { info() {}, warn() {}, error() {}, debug() {} },
      limits: serverLimits,
      drain: createDrainSwitch(),
      onRefused: () => undefined,
    });
    const methods = { check: async () => ({}), async *watch() {} };
    assert.throws(() => guard.wrap(Health, methods), /grpc\.health\.v1\.Health\.Check declares no/);
  });
});

describe("B10.4 what is not yours does not exist", () => {
  test("another account's group is missing, in the very words of a missing one", async (t) => {
    const { doors, grpc, refusals } = await createWorld(t);
    await createWeb(grpc);
    const said = (failure: CallFailure, name: string) =>
      JSON.stringify([failure.code, failure.reason, failure.message, failure.metadata]).replaceAll(
        name,
        "NAME",
      );
    for (const door of doors) {
      const theirs = (name: string, token: string) =>
        failureOf(door.unary(GroupService.method.getGroup, { name }, { token }));
      const foreign = await theirs(WEB, tokens.stranger);
      const missing = await theirs("accounts/other/groups/nope", tokens.stranger);
      const nowhere = await theirs("accounts/acme/groups/nope", tokens.stranger);
      assert.equal(foreign.code, 5);
      assert.equal(said(foreign, WEB), said(missing, "accounts/other/groups/nope"));
      assert.equal(said(foreign, WEB), said(nowhere, "accounts/acme/groups/nope"));
    }
    assert.equal(refusals.length, 2 * doors.length);
    assert.equal(refusals[0]!.principal, "sam");
  });

  test("so it is with policies, servers, parents and streams", async (t) => {
    const { grpc } = await createWorld(t);
    await createWeb(grpc);
    const token = tokens.stranger;
    const foreign = [
      grpc.unary(PolicyService.method.getPolicy, { name: `${WEB}/policies/up` }, { token }),
      grpc.unary(ServerService.method.getServer, { name: `${WEB}/servers/s1` }, { token }),
      grpc.unary(PolicyService.method.listPolicies, { parent: WEB }, { token }),
      grpc.unary(GroupService.method.listGroups, { parent }, { token }),
      grpc.unary(GroupService.method.updateGroup, { group: { name: WEB } }, { token }),
      grpc.unary(EventService.method.searchEvents, { parent }, { token }),
      grpc.unary(EventService.method.explainEvent, { name: `${parent}/events/e1` }, { token }),
      grpc.stream(EventService.method.subscribe, { parent }, { token }).next(),
      grpc.unary(AccessService.method.setCredentials, { name: OWN, secret }, { token }),
      grpc.unary(AccessService.method.listCredentials, { parent }, { token }),
    ];
    const failures = await Promise.all(foreign.map(failureOf));
    assert.deepEqual(
      failures.map(({ code, reason }) => [code, reason]),
      [
        [5, "POLICY_NOT_FOUND"],
        [5, "SERVER_NOT_FOUND"],
        [5, "GROUP_NOT_FOUND"],
        [5, "ACCOUNT_NOT_FOUND"],
        [5, "GROUP_NOT_FOUND"],
        [5, "ACCOUNT_NOT_FOUND"],
        [5, "EVENT_NOT_FOUND"],
        [5, "ACCOUNT_NOT_FOUND"],
        [5, "CREDENTIALS_NOT_FOUND"],
        [5, "ACCOUNT_NOT_FOUND"],
      ],
    );
  });

  test("a policy of one's own missing group is told as the group", async (t) => {
    const { grpc } = await createWorld(t);
    const name = "accounts/acme/groups/nope/policies/up";
    const failure = await failureOf(grpc.unary(PolicyService.method.getPolicy, { name }, admin));
    assert.equal(failure.message, "accounts/acme/groups/nope does not exist");
    assert.equal(failure.reason, "GROUP_NOT_FOUND");
  });
});

describe("B10 tokens", () => {
  test("who shows none, or none of ours, is told UNAUTHENTICATED and nothing else", async (t) => {
    const { doors, grpc } = await createWorld(t);
    await createWeb(grpc);
    const wrong = [
      undefined,
      "",
      "wrong",
      `${tokens.admin}x`,
      tokens.admin.slice(0, -1),
      "x".repeat(5_000),
    ];
    for (const door of doors)
      for (const token of wrong)
        for (const name of [WEB, "accounts/acme/groups/nope", "not a name"]) {
          const call = door.unary(GroupService.method.getGroup, { name }, { token });
          const failure = await failureOf(call);
          assert.deepEqual([failure.code, failure.reason], [16, "TOKEN_INVALID"]);
          assert.deepEqual(failure.fields, []);
        }
  });

  test("a token's hash serves as well as the token", async () => {
    const tokenSha256 = createHash("sha256").update("secret-0123456789").digest("hex");
    const { authenticate } = createStaticTokens([{ principal: "pat", tokenSha256, roles: [] }]);
    const found = await authenticate({ authorization: "bearer secret-0123456789", address: "" });
    assert.equal(found?.name, "pat");
    for (const authorization of [
      "secret-0123456789",
      "Basic secret-0123456789",
      `Bearer ${tokenSha256}`,
    ])
      assert.equal(await authenticate({ authorization, address: "" }), undefined);
  });

  test("every token is compared, by hashes of one length, whichever matches", async (t) => {
    const crypto = await import("node:crypto");
    let compared: [number, number][] = [];
    const original = crypto.default.timingSafeEqual;
    crypto.default.timingSafeEqual = (a, b) => {
      compared.push([a.byteLength, b.byteLength]);
      return original(a, b);
    };
    const { syncBuiltinESMExports } = await import("node:module");
    syncBuiltinESMExports();
    t.after(() => {
      crypto.default.timingSafeEqual = original;
      syncBuiltinESMExports();
    });
    const texts = ["first-0123456789abc", "second-0123456789", "third-0123456789ab"];
    const { authenticate } = createStaticTokens(
      texts.map((token) => ({ principal: token, token, roles: [] })),
    );
    for (const token of [...texts, "x", "first-0123456789abX"]) {
      compared = [];
      await authenticate({ authorization: `Bearer ${token}`, address: "" });
      assert.deepEqual(
        compared,
        [
          [32, 32],
          [32, 32],
          [32, 32],
        ],
        token,
      );
    }
  });

  test("tokens that are short, long, doubled or missing are refused at the start", () => {
    const one = (token: string) => ({ principal: "pat", token, roles: [] });
    const long = "x".repeat(tokenLimits.tokenLengthMax + 1);
    assert.throws(() => createStaticTokens([one("short")]), /16 to 512 characters/);
    assert.throws(() => createStaticTokens([one(long)]), /16 to 512 characters/);
    assert.throws(() => createStaticTokens([one(tokens.root), one(tokens.root)]), /share a token/);
    assert.throws(() => createStaticTokens([{ principal: "pat", roles: [] }]), /neither a token/);
    const many = Array.from({ length: tokenLimits.tokensMax + 1 }, () => one(tokens.root));
    assert.throws(() => createStaticTokens(many), /at most 1000 tokens/);
  });
});
