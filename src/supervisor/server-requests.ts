import type { GroupKey, ServerId } from "../core/model/ids.js";

interface OfServer {
  readonly key: GroupKey;
  readonly server: ServerId;
}

export interface StandBy extends OfServer {
  readonly standBy: boolean;
  readonly replace: boolean;
}

export interface ReportHealth extends OfServer {
  readonly health: "healthy" | "unhealthy";
  readonly reason: string;
  readonly timeToLiveMs: number;
}
