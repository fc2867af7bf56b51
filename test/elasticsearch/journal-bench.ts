import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createElasticsearchJournal } from "../../src/drivers/journal-elasticsearch/index.js";
import type { JournalBench } from "../contract/journal-harness.js";
import { server } from "./bed/node.js";

export interface ElasticsearchBench extends JournalBench {
  readonly indexPrefix: string;
}

/** A journal with indices of one test's own. */
export async function openJournalBench(): Promise<ElasticsearchBench> {
  const indexPrefix = `t${randomUUID().slice(0, 8)}`;
  const clock = createSystemClock();
  const journal = createElasticsearchJournal({ nodes: [server.url], indexPrefix, clock });
  return {
    ...{ indexPrefix, journal },
    settle: async () => void (await ask("POST", `/${indexPrefix}-events-*/_refresh`)),
    async dispose() {
      await journal.close();
      await ask("DELETE", `/_index_template/${indexPrefix}-events`);
      const names = Object.keys(await ask("GET", `/${indexPrefix}-*`));
      if (names.length > 0) await ask("DELETE", `/${names.join(",")}`);
    },
  };
}

/** One request to the server itself, and its answer. */
export async function ask(
  method: string,
  path: string,
  body?: unknown,
): Promise<Readonly<Record<string, unknown>>> {
  const answer = await fetch(`${server.url}${path}`, {
    method,
    headers: { "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return (await answer.json()) as Readonly<Record<string, unknown>>;
}

const waitMsMax = 90_000;

/** Asks until it is so; one that fails is asked again. */
export async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  for (const startMs = Date.now(); ; await sleep(200)) {
    if (await isSo().catch(() => false)) return;
    assert.ok(Date.now() - startMs < waitMsMax, `waited ${waitMsMax} ms for ${what}`);
  }
}
