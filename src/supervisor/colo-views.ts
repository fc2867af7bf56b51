import type { Brake } from "../core/model/colo.js";
import type { AuditCounts, Difference } from "../core/model/difference.js";
import type { AccountId, ColoId } from "../core/model/ids.js";
import type { AdmissionView } from "./colo/admission.js";

export interface ColoView {
  readonly colo: ColoId;
  readonly cloudDriver: string;
  readonly loadBalancerDriver: string | undefined;
  readonly brakes: readonly Brake[];
  readonly stepsRunning: number;
  readonly stepsWaiting: number;
  readonly placements: number;
  readonly admissions: readonly ColoAdmission[];
  /** Since this node last read the kill switch. */
  readonly switchAgeMs: number;
}

/** An admission controller with all that waits for it (B9.4). */
export interface ColoAdmission extends AdmissionView {
  readonly waitingPlacements: number;
}

export interface AuditColo {
  readonly colo: ColoId;
  /** Undefined: of every account that has or had servers here. */
  readonly account?: AccountId;
}

export interface AuditBatch {
  readonly differences: readonly Difference[];
  readonly counts?: AuditCounts;
}
