import { createColors } from "picocolors";
import type { DiagnosisState } from "../core/model/diagnosis.js";
import { countsOf, type DoctorOptions, type Examination, examine } from "./doctor.js";

/** Where a doctor's words go. */
interface Out {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Examines, tells it, and resolves to the exit code: 1 where there are problems. */
export async function runDoctor(
  options: DoctorOptions & { readonly json: boolean },
  out: Out,
  env: Readonly<Record<string, string | undefined>>,
): Promise<0 | 1> {
  const isColored = out.isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb";
  const colors = createColors(isColored);
  const all: Examination[] = [];
  for await (const one of examine(options)) {
    all.push(one);
    if (!options.json) out.write(linesOf(one, colors).join("\n").concat("\n"));
  }
  const counts = countsOf(all);
  if (options.json) out.write(`${JSON.stringify({ areas: all, counts }, undefined, 2)}\n`);
  else out.write(`${verdict(counts)}\n`);
  return counts.problem > 0 ? 1 : 0;
}

type Colors = ReturnType<typeof createColors>;

function linesOf({ area, diagnoses }: Examination, colors: Colors): readonly string[] {
  const paints: Readonly<Record<DiagnosisState, (text: string) => string>> = {
    ...{ ok: colors.green, warning: colors.yellow, problem: colors.red, skipped: colors.dim },
  };
  const told = diagnoses.flatMap(({ subject, state, say, fix }) => [
    `  ${paints[state](state.padEnd(stateWidth))} ${plain(`${subject}: ${say}`)}`,
    ...(fix === undefined
      ? []
      : [`  ${" ".repeat(stateWidth)} ${colors.dim("to do:")} ${plain(fix)}`]),
  ]);
  return [colors.bold(area), ...told];
}

const stateWidth = "problem".length;

/** On one line, without what could steer a terminal. */
const plain = (text: string): string => text.replace(/[\p{Cc}\u2028\u2029]+/gu, " ");

function verdict({ problem, warning, skipped }: Readonly<Record<DiagnosisState, number>>): string {
  const rest = `warnings: ${warning}, not looked at: ${skipped}`;
  return problem > 0 ? `problems: ${problem}, ${rest}` : `no problems; ${rest}`;
}
