import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { createColors } from "picocolors";
import { checkCodeOf, checkLines } from "../../clients/cli/check.js";
import {
  CheckGroupResponseSchema,
  CheckSeverity,
} from "../../src/gen/muster/v1/group_service_pb.js";
import { runMusterctl } from "./musterctl.js";
import { freshGroupId, groupJson, openTarget, type Target } from "./target.js";

let target: Target;
before(async () => {
  target = await openTarget();
});
after(() => target.close());

const { PROBLEM, WARNING, UNKNOWN } = CheckSeverity;

test("B1.5 scripts read of a check whether it fails for certain, and then whether all was asked", () => {
  const codeOf = (...severities: readonly CheckSeverity[]) =>
    checkCodeOf(severities.map((severity) => ({ severity })));
  assert.deepEqual([codeOf(), codeOf(WARNING)], [0, 0]);
  assert.deepEqual([codeOf(WARNING, UNKNOWN), codeOf(UNKNOWN, PROBLEM)], [2, 1]);
});

test("B1.5 a check is told by placement, each finding with its way out, and a verdict", () => {
  const answer = create(CheckGroupResponseSchema, {
    placements: [
      { colo: "iad", servers: 2, serversMax: 12, room: 4, roomBy: "cores", findings: [] },
      {
        ...{ colo: "dfw", servers: 0, serversMax: 10 },
        findings: [
          {
            ...{ field: "launch_configuration.image", severity: PROBLEM, fix: "name another" },
            cause: { rule: "B1.5", code: "LAUNCH_INVALID", message: "There is no\u001b[2J image." },
          },
          {
            ...{ field: "placements[1].max", severity: UNKNOWN, fix: "ask again" },
            cause: { rule: "B1.5", code: "NOT_CHECKED", message: "The quota was not told." },
          },
        ],
      },
    ],
  });
  assert.deepEqual(checkLines("web", answer, createColors(false)), [
    "iad: 2 of at most 12 servers; room for 4 more by quota (cores)",
    "dfw: 0 of at most 10 servers",
    "  problem launch_configuration.image: There is no [2J image (B1.5 LAUNCH_INVALID)",
    "          to do: name another",
    "  unknown placements[1].max: The quota was not told (B1.5 NOT_CHECKED)",
    "          to do: ask again",
    "group web: problems: 1, could not be asked: 1",
  ]);
});

test("B1.5 check takes a group that exists, or a file of one that does not", async () => {
  const id = freshGroupId();
  const stdin = groupJson(target, id);
  const unmade = await runMusterctl(target, ["check", id]);
  assert.equal(unmade.code, 1);
  assert.match(unmade.stderr, /GROUP_NOT_FOUND/);
  const file = await runMusterctl(target, ["check", "-f", "-"], { stdin });
  assert.equal(file.code, 0, file.stdout + file.stderr);
  assert.match(file.stdout, /0 of at most 5 servers; room for \d+ more by quota/);
  assert.match(file.stdout, new RegExp(`group ${id}: nothing stands in its way\n$`));
  assert.equal((await runMusterctl(target, ["groups", "get", id])).code, 1, "nothing was made");
  await runMusterctl(target, ["groups", "apply", "-f", "-"], { stdin });
  const json = await runMusterctl(target, ["check", id, "--json"]);
  assert.equal(json.code, 0, json.stdout + json.stderr);
  assert.equal(JSON.parse(json.stdout).placements[0].colo, target.colo);
  for (const args of [["check"], ["check", id, "-f", "-"]]) {
    const wrong = await runMusterctl(target, args, { stdin });
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /either a group's id or --file/);
  }
});

test("B1.5 a check with problems, and one that could not ask, have exit codes of their own", async (t) => {
  if (!target.fake) return t.skip("the fake finds what it is told to");
  for (const [severity, code] of [
    [PROBLEM, 1],
    [UNKNOWN, 2],
    [WARNING, 0],
  ] as const) {
    const stdin = groupJson(target, freshGroupId(), { labels: { severity: String(severity) } });
    const ran = await runMusterctl(target, ["check", "-f", "-"], { stdin });
    assert.equal(ran.code, code, ran.stderr);
    assert.match(ran.stdout, /There is no such image \(B1\.5 LAUNCH_INVALID\)\n +to do: name/);
  }
  return undefined;
});
