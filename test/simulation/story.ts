import { sayFinding } from "./oracle/finding.js";
import { type Line, type Outcome, type RunOptions, runScenario } from "./run.js";
import type { Action, Scenario } from "./scenario.js";

/** What happened before the end is where a finding comes from. */
const linesMax = 120;

export interface Story {
  readonly outcome: Outcome;
  readonly lines: readonly Line[];
}

/** The run again, with all that happened in it. */
export async function tell(scenario: Scenario, options: RunOptions = {}): Promise<Story> {
  const lines: Line[] = [];
  const onLine = (line: Line) => void lines.push(line);
  const outcome = await runScenario(scenario, { ...options, onLine });
  return { outcome, lines };
}

/** For people: what is broken, what was asked for and what struck, and what came before the end. */
export function sayStory(scenario: Scenario, { outcome, lines }: Story, all = false): string {
  const shown = all ? lines : lines.slice(-linesMax);
  return [
    sayScenario(scenario),
    all ? "What happened:" : `What happened last (${shown.length} of ${lines.length} lines):`,
    ...shown.map(({ atMs, who, what }) => `  ${sayTime(atMs)} ${who}: ${what}`),
    ...outcome.findings.slice(0, 3).map((finding) => `BROKEN ${sayFinding(finding)}`),
  ].join("\n");
}

function sayScenario(scenario: Scenario): string {
  const { seed, nodes, colos, groups, actions, durationMs } = scenario;
  const skews = nodes.map(({ name, wallMs }) => `${name}${wallMs ? ` (${wallMs} ms off)` : ""}`);
  return [
    `Seed ${seed}: ${groups.length} groups, ${skews.join(", ")}, for ${sayTime(durationMs)}`,
    ...colos.map((one) => `  colo ${JSON.stringify(one)}`),
    ...(groups.length <= groupsShownMax
      ? groups.map((one) => `  group ${JSON.stringify(one)}`)
      : []),
    `Actions: ${actions.length}`,
    ...(actions.length <= actionsShownMax ? actions.map((one) => `  ${sayAction(one)}`) : []),
  ].join("\n");
}

const groupsShownMax = 4;
const actionsShownMax = 60;

function sayAction({ atMs, ...action }: Action): string {
  return `${sayTime(atMs)} ${JSON.stringify(action)}`;
}

function sayTime(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  const seconds = ((ms % 60_000) / 1_000).toFixed(3).padStart(6, "0");
  return `${String(minutes).padStart(3, " ")}:${seconds}`;
}
