import type { PolicyId } from "../../core/model/ids.js";
import { PolicySchema } from "../../gen/muster/v1/policy_pb.js";
import type { PolicyService } from "../../gen/muster/v1/policy_service_pb.js";
import type { Supervisor } from "../../supervisor/api.js";
import { generationOf } from "../etag.js";
import { readMasked } from "../from-wire/mask.js";
import { readPolicySpec } from "../from-wire/policy.js";
import { readForce } from "../from-wire/scale.js";
import { readSimulation } from "../from-wire/simulation.js";
import type { ServiceMethods } from "../guarded.js";
import { groupKeyOf, policyOf } from "../names.js";
import { writePolicy, writePolicySpec } from "../to-wire/policy.js";
import { writeReceipt } from "../to-wire/receipt.js";
import { writeSimulation } from "../to-wire/simulation.js";
import { type Filter, readPageToken, writeNextPageToken } from "../tokens.js";
import type { RequestValidator } from "../validate.js";
import { given, readPageSize, textOf, withFieldsIn } from "./fields.js";

/** Of a policy, what an update cannot set. */
const outputOnly: ReadonlySet<string> = new Set([
  "name",
  "uid",
  "etag",
  "create_time",
  "update_time",
]);

export function createPolicyService(
  { policies, scaling }: Pick<Supervisor, "policies" | "scaling">,
  validator: RequestValidator,
): ServiceMethods<typeof PolicyService> {
  return {
    async createPolicy(request, caller) {
      const key = groupKeyOf(request.parent);
      const id = given({ policy: textOf<PolicyId>(request.policyId) });
      const command = { key, spec: readPolicySpec(request.policy!), ...id };
      const policy = await withFieldsIn("policy", policies.create(command, caller));
      return { policy: writePolicy(key, policy) };
    },
    async getPolicy({ name }, caller) {
      const { key, policy } = policyOf(name);
      return { policy: writePolicy(key, await policies.get(key, policy, caller)) };
    },
    async listPolicies({ parent, pageSize, pageToken }, caller) {
      const key = groupKeyOf(parent);
      const filter: Filter = ["ListPolicies", parent];
      const after = readPageToken(filter, pageToken) as PolicyId | undefined;
      const command = { key, pageSize: readPageSize(pageSize), ...given({ after }) };
      const { items, more } = await policies.list(command, caller);
      const last = items.at(-1)?.id;
      return {
        policies: items.map((policy) => writePolicy(key, policy)),
        nextPageToken: writeNextPageToken(filter, { last, more }),
      };
    },
    async updatePolicy(request, caller) {
      const { key, policy } = policyOf(request.policy!.name);
      const change = readMasked({
        desc: PolicySchema,
        source: request.policy!,
        mask: request.updateMask,
        path: "policy.",
        write: writePolicySpec,
        read: readPolicySpec,
        outputOnly,
        validator,
      });
      const expected = given({ expectedGeneration: generationOf(request.policy!.etag) });
      const update = policies.update({ key, policy, change, ...expected }, caller);
      return { policy: writePolicy(key, await withFieldsIn("policy", update)) };
    },
    async deletePolicy({ name, etag }, caller) {
      const expected = given({ expectedGeneration: generationOf(etag) });
      await policies.delete({ ...policyOf(name), ...expected }, caller);
      return {};
    },
    async executePolicy({ name, requestId, force }, caller) {
      const { key, policy } = policyOf(name);
      const optional = given({ force: readForce(force), requestId: textOf(requestId) });
      const ask = { kind: "policy", policy } as const;
      const receipt = await scaling.submit({ key, source: "manual", ask, ...optional }, caller);
      return { receipt: writeReceipt(receipt) };
    },
    async simulatePolicy(request, caller) {
      return writeSimulation(await policies.simulate(await readSimulation(request), caller));
    },
  };
}
