import assert from "node:assert/strict";
import { test } from "node:test";
import { createHooksBench } from "../server/hooks-bench.js";
import { runMusterctl } from "./musterctl.js";

test("B7.3 musterctl makes, lists, rotates and deletes webhooks, and prints their URL once", async (t) => {
  const bench = await createHooksBench(t);
  const ctl = async (args: string) => {
    const ran = await runMusterctl(bench.target, ["webhooks", ...args.split(" ")]);
    assert.equal(ran.code, 0, ran.stderr);
    return ran;
  };
  const urlIn = (text: string) => /http:\S+/.exec(text)?.[0] ?? "";
  const post = async (url: string) => (await fetch(url, { method: "POST" })).status;

  const made = await ctl("create web up --use execute --id ci");
  const url = urlIn(made.stdout);
  assert.match(made.stdout, /^webhook web\/up\/ci created\n {2}http:\/\/127\.0\.0\.1:\d+\/hooks\//);
  assert.match(made.stderr, /it is not shown again/);
  assert.equal(await post(url), 202);

  const alerts = await ctl("create web up --use group-alerts --id am --display-name Prometheus");
  assert.match(alerts.stdout, /\/alerts\/alertmanager\/\S+\n.*\/alerts\/aodh\//);
  const listed = await ctl("list web up");
  assert.match(listed.stdout, /^WEBHOOK +USE +TOKEN SINCE +BY +DISPLAY NAME\nam +group-alerts /);
  assert.match(listed.stdout, /\nci +execute +\S+Z +ann +execute\n/);

  const turned = urlIn((await ctl("rotate web up ci")).stdout);
  assert.deepEqual([await post(url), await post(turned)], [404, 202]);
  await ctl("delete web up ci");
  assert.equal(await post(turned), 404);
  const json = JSON.parse((await ctl("list web up -o json")).stdout);
  assert.deepEqual(
    json.webhooks.map((one: { readonly name: string }) => one.name.split("/").at(-1)),
    ["am"],
  );
});
