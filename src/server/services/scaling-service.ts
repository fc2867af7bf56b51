import type { ScalingService } from "../../gen/muster/v1/scaling_service_pb.js";
import type { ScalingUseCases } from "../../supervisor/api.js";
import { readAlertState } from "../from-wire/policy.js";
import { readForce } from "../from-wire/scale.js";
import type { ServiceMethods } from "../guarded.js";
import { groupKeyOf, policyOf } from "../names.js";
import { writeReceipt } from "../to-wire/receipt.js";
import { given, textOf } from "./fields.js";

export function createScalingService(
  scaling: ScalingUseCases,
): ServiceMethods<typeof ScalingService> {
  return {
    async setTarget({ name, target, requestId, force }, caller) {
      const key = groupKeyOf(name);
      const ask = { kind: "target", target } as const;
      const optional = given({ force: readForce(force), requestId: textOf(requestId) });
      const receipt = await scaling.submit({ key, source: "manual", ask, ...optional }, caller);
      return { receipt: writeReceipt(receipt) };
    },
    async scale({ name, change, requestId, force }, caller) {
      const key = groupKeyOf(name);
      const ask = { kind: "change", change } as const;
      const optional = given({ force: readForce(force), requestId: textOf(requestId) });
      const receipt = await scaling.submit({ key, source: "manual", ask, ...optional }, caller);
      return { receipt: writeReceipt(receipt) };
    },
    async reportAlert(request, caller) {
      const { key, policy } = policyOf(request.policy);
      const ask = {
        kind: "alert",
        policy,
        key: request.key,
        state: readAlertState(request.state),
        ...given({ value: request.value }),
      } as const;
      const optional = given({ requestId: textOf(request.requestId) });
      const receipt = await scaling.submit({ key, source: "alert", ask, ...optional }, caller);
      return { receipt: writeReceipt(receipt) };
    },
  };
}
