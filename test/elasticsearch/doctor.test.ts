import assert from "node:assert/strict";
import { test } from "node:test";
import elasticsearch from "../../src/drivers/journal-elasticsearch/index.js";
import { entriesOf } from "../contract/journal-harness.js";
import { patientCall } from "../contract/store-samples.js";
import { createHost } from "../drivers/lb-helpers.js";
import { server } from "./bed/node.js";
import { openJournalBench } from "./journal-bench.js";

const call = { ...patientCall(), accounts: [], isRunning: false };

test("M7.3 the doctor tells the versions of the cluster, and whether history is in it", async () => {
  const { journal, indexPrefix, dispose } = await openJournalBench();
  const diagnose = async () => {
    const options = { nodes: [server.url], indexPrefix };
    const told = await elasticsearch.diagnose?.(options, createHost("nowhere"), call);
    return told?.map(({ state, say }) => `${state}: ${say}`);
  };
  const answers = "ok: answers; its nodes have version 9.5.3";
  try {
    assert.deepEqual(await diagnose(), [`${answers}; no history in it yet`]);
    await journal.append(entriesOf(1), call);
    assert.deepEqual(await diagnose(), [`${answers}; history is in it`]);
  } finally {
    await dispose();
  }
});
