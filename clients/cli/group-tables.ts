import type { Group } from "../../src/gen/muster/v1/group_pb.js";
import { idOf } from "../node/index.js";
import { type Colors, type Printer, plain } from "./printer.js";
import { sayProcesses } from "./processes.js";
import { rebuildWords } from "./rebuild-words.js";
import { conditionWords, isTold, type StandingWord, standingOf } from "./standing.js";
import { ageWords, factWords, instantWords } from "./words.js";

export function groupTable(print: Printer, groups: readonly Group[]): void {
  const head = ["GROUP", "STATE", "IN SERVICE", "TARGET", "PENDING", "LEAVING", "COLOS", "AGE"];
  const rows = groups.map((group) => {
    const standing = standingOf(group);
    const { inService, target, pending, leaving } = standing;
    const counts = [inService, target, pending, leaving].map(String);
    const colos = group.placements.map((one) => one.colo).join(",");
    const state = colored(print.colors, standing.word);
    return [idOf(group.name), state, ...counts, colos, ageWords(group.createTime)];
  });
  print.table(head, rows);
}

export function showGroup(print: Printer, group: Group): void {
  const { launchConfiguration: launch } = group;
  print.facts([
    ["group", idOf(group.name)],
    ["display name", plain(group.displayName)],
    ["state", colored(print.colors, standingOf(group).word)],
    ["labels", plain(factWords(group.labels)) || "-"],
    ["image", plain(launch?.image ?? "") || "-"],
    ["flavor", plain(launch?.flavor ?? "") || "-"],
    ...listFact("fallback flavors", launch?.fallbackFlavors),
    ...listFact("zones", launch?.availabilityZones),
    ["launch revision", String(group.launchRevision)],
    ["created", instantWords(group.createTime)],
    ["updated", instantWords(group.updateTime)],
    ["etag", group.etag],
  ]);
  print.line("");
  placementTable(print, group);
  const rebuilds = rebuildWords(group);
  if (rebuilds.length > 0) print.line("");
  for (const words of rebuilds) print.line(`rebuild: ${words}`);
  const reasons = reasonRows(group);
  if (reasons.length === 0) return;
  print.line("");
  print.table(["COLO", "SINCE", "CONDITION"], reasons);
}

function listFact(name: string, list: readonly string[] = []): readonly [string, string][] {
  return list.length === 0 ? [] : [[name, plain(list.join(", "))]];
}

function placementTable(print: Printer, group: Group): void {
  const head = ["COLO", "IN SERVICE", "TARGET", "MIN", "MAX", "PENDING", "LEAVING"];
  const rows = group.placements.map(({ colo, min, max }) => {
    const status = group.status?.placements.find((one) => one.colo === colo);
    const counts = [status?.inService, status?.target, min, max, status?.pending, status?.leaving];
    return [colo, ...counts.map((count) => String(count ?? "-"))];
  });
  print.table(head, rows);
}

/** What holds and why, and who paused. */
function reasonRows(group: Group): readonly (readonly string[])[] {
  return (group.status?.placements ?? []).flatMap(({ colo, conditions, pause, processPauses }) => {
    const shown = conditions.filter(isTold);
    const told = new Set<string>();
    const rows = shown.map((one) => [colo, ageWords(one.sinceTime), conditionWords(one, told)]);
    const pauses = [
      ...(pause === undefined ? [] : [{ ...pause, what: "" }]),
      ...processPauses.map((one) => ({ ...one, what: `${sayProcesses([one.process])} ` })),
    ];
    const whos = pauses.map(({ what, principal, reason, sinceTime }) => {
      return [colo, ageWords(sinceTime), plain(`${what}paused by ${principal}: ${reason}`)];
    });
    return [...rows, ...whos];
  });
}

function colored(colors: Colors, word: StandingWord): string {
  switch (word) {
    case "converged":
      return colors.green(word);
    case "converging":
      return colors.cyan(word);
    case "paused":
    case "held":
    case "deleting":
      return colors.yellow(word);
    case "braked":
    case "degraded":
      return colors.red(word);
    default:
      throw new Error(`unknown state ${word satisfies never}`);
  }
}
