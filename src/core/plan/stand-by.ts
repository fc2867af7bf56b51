import { cause } from "../model/cause.js";
import { keepsSurplus } from "./quarantine.js";
import { type Sheet, sendAway, waitForBrake } from "./sheet.js";

/** Who stands by is chosen by nobody, until the placement itself comes to its end (B8.1, B8.4). */
export function endStandingBy(sheet: Sheet): void {
  const { doc, spec, stopped } = sheet.seen;
  if (!doc.deleting && spec) return;
  const quarantine = keepsSurplus(sheet);
  const brake = stopped.get("delete");
  for (const row of sheet.rows()) {
    if (row.state !== "standingBy") continue;
    if (quarantine) sheet.wait(quarantine);
    else if (brake) waitForBrake(sheet, brake);
    else sendAway(sheet, row, cause("B8.4", "SURPLUS", { target: 0 }));
  }
}
