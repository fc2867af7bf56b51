import { outsideFaultOf } from "../../core/errors/outside-fault.js";
import type { Diagnosis } from "../../core/model/diagnosis.js";
import type { DiagnoseCall, DriverHost } from "../../core/ports/driver.js";
import { type HaproxyOptions, haproxyDefaults } from "./options.js";
import { createRuntimeApi } from "./runtime-api.js";

const versionMin = { major: 2, minor: 4 };

/** Whether HAProxy answers, is new enough, lets us change it, and has the backends. Only asks. */
export async function diagnoseHaproxy(
  options: HaproxyOptions,
  { clock }: DriverHost,
  { signal }: DiagnoseCall,
): Promise<readonly Diagnosis[]> {
  const { socket, backends = {}, timeoutMs = haproxyDefaults.timeoutMs } = options;
  const subject = `haproxy at ${socket}`;
  const api = createRuntimeApi({ socket, timeoutMs, clock });
  const startedMs = clock.monotonicMs();
  try {
    const commands = ["show info", "show cli level", "show backend"];
    const [info = "", level = "", known = ""] = await api.ask(commands, signal);
    const tookMs = Math.round(clock.monotonicMs() - startedMs);
    return [
      diagnoseVersion(subject, info, tookMs),
      ...diagnoseLevel(subject, level.trim()),
      ...diagnoseBackends(Object.values(backends), known.split("\n")),
    ];
  } catch (error) {
    const { kind, message } = outsideFaultOf(error);
    const fix =
      kind === "denied"
        ? `give the user that runs Muster the socket: stats socket ${socket} mode 660 group …`
        : `start HAProxy with: stats socket ${socket} level admin`;
    return [{ subject, state: "problem", say: message, fix }];
  }
}

function diagnoseVersion(subject: string, info: string, tookMs: number): Diagnosis {
  const version = /^Version: (\S+)/m.exec(info)?.[1] ?? "unknown";
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const { major: majorMin, minor: minorMin } = versionMin;
  if (major > majorMin || (major === majorMin && minor >= minorMin))
    return { subject, state: "ok", say: `version ${version} answers in ${tookMs} ms` };
  const say = `its version is ${version}`;
  const fix = `use HAProxy ${majorMin}.${minorMin} or newer: members are dynamic servers`;
  return { subject, state: "problem", say, fix };
}

function diagnoseLevel(subject: string, level: string): readonly Diagnosis[] {
  if (level === "admin") return [];
  const say = `its Runtime API is of level ${level}: nothing may be changed through it`;
  return [{ subject, state: "problem", say, fix: "configure it with level admin" }];
}

function diagnoseBackends(
  wanted: readonly string[],
  known: readonly string[],
): readonly Diagnosis[] {
  return wanted.map((backend): Diagnosis => {
    const subject = `backend ${backend}`;
    if (known.includes(backend)) return { subject, state: "ok", say: "is there" };
    const fix = "add it to HAProxy's configuration, or correct the option backends";
    return { subject, state: "problem", say: "HAProxy has no such backend", fix };
  });
}
