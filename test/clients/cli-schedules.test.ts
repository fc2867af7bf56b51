import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { runMusterctl } from "./musterctl.js";
import { freshGroupId, groupJson, openTarget, type Target } from "./target.js";

let target: Target;
const id = freshGroupId();

async function ok(...args: readonly string[]): Promise<string> {
  const ran = await runMusterctl(target, args);
  assert.equal(ran.code, 0, `${args.join(" ")}: ${ran.stderr}`);
  return ran.stdout;
}

const apply = (schedules: unknown) =>
  runMusterctl(target, ["schedules", "apply", id, "-f", "-"], { stdin: JSON.stringify(schedules) });

before(async () => {
  target = await openTarget();
  const stdin = groupJson(target, id, { policies: [{ id: "up", displayName: "More", change: 2 }] });
  const ran = await runMusterctl(target, ["groups", "apply", "-f", "-"], { stdin });
  assert.equal(ran.code, 0, ran.stderr);
});
after(() => target.close());

const week = [
  {
    id: "morning",
    displayName: "Before work",
    cron: { expression: "30 7 * * MON-FRI", timeZone: "Europe/Berlin" },
    target: 3,
  },
  { id: "day", displayName: "By day", at: "2030-01-01T08:00:00Z", policy: "up" },
  {
    id: "night",
    displayName: "By night",
    cron: { expression: "0 22 * * *" },
    window: { max: 1, floor: 1, duration: "8h" },
  },
];

test("B7.1 schedules are applied from a file, shown, and deleted", async () => {
  const applied = await apply(week);
  assert.equal(applied.code, 0, applied.stderr);
  assert.deepEqual(
    applied.stdout.trimEnd().split("\n"),
    week.map((one) => `schedule ${id}/${one.id} created`),
  );
  const rows = (await ok("schedules", "list", id)).trimEnd().split("\n");
  assert.match(rows[0]!, /^SCHEDULE +WHEN +DOES +NEXT +LAST +DISPLAY NAME$/);
  const shown = rows.slice(1).join("\n");
  assert.match(shown, /^morning +30 7 \* \* MON-FRI Europe\/Berlin +to 3 +20/m);
  assert.match(shown, /^day +2030-01-01T08:00:00Z +policy up /m);
  assert.match(shown, /^night +0 22 \* \* \* .*max 1, floor 1 for 8h /m);
  const one = await ok("schedules", "get", id, "morning");
  assert.match(one, /^may be late +60m$/m);
  assert.match(one, /^next +20\d\d-/m);
  const [first] = week;
  const again = await apply({ ...first, grace: "1h" });
  assert.match(again.stdout, /morning (unchanged|updated)/);
  const edited = await apply({ schedules: [{ ...first, target: 4 }] });
  assert.equal(edited.stdout, `schedule ${id}/morning updated\n`);
  assert.match(await ok("schedules", "get", id, "morning"), /^does +to 4$/m);
  assert.equal(await ok("schedules", "delete", id, "day"), `schedule ${id}/day deleted\n`);
  const gone = await runMusterctl(target, ["schedules", "get", id, "day"]);
  assert.match(gone.stderr, /^musterctl: SCHEDULE_NOT_FOUND: .*schedules list/);
});

test("B7.1 a file that is none is told with the file's name, and nothing is sent", async () => {
  const bad = await apply([{ ...week[0], nope: 1 }]);
  assert.equal(bad.code, 2);
  assert.match(bad.stderr, /nope/);
  assert.equal((await apply(3)).code, 2);
});
