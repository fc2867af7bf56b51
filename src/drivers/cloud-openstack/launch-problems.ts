import type { LaunchConfiguration } from "../../core/model/group.js";
import type { LaunchProblem } from "../../core/ports/cloud.js";
import { isOwnKey } from "./ownership.js";
import { parametersOf, problemsOfForm, problemsOfSense } from "./parameters.js";
import { userDataOf } from "./server-body.js";

const limits = {
  /** Of user data in Base64. */
  userDataCharsMax: 65_535,
  metadataCharsMax: 255,
} as const;

/** All that is wrong with a launch configuration whatever the cloud has. */
export function problemsOfLaunch(launch: LaunchConfiguration): readonly LaunchProblem[] {
  const form = problemsOfForm(launch.parameters);
  const { userDataCharsMax } = limits;
  const userDataTooLong = userDataOf(launch).length > userDataCharsMax;
  return [
    ...form,
    ...(form.length === 0 ? problemsOfSense(parametersOf(launch)) : []),
    ...metadataProblems(launch.metadata),
    ...(launch.flavor.trim() === "" ? [{ field: "flavor", description: "must not be blank" }] : []),
    ...(userDataTooLong
      ? [{ field: "user_data", description: `over ${userDataCharsMax} characters in Base64` }]
      : []),
  ];
}

function metadataProblems(metadata: LaunchConfiguration["metadata"]): LaunchProblem[] {
  return Object.entries(metadata).flatMap(([key, value]) => {
    const field = `metadata.${key}`;
    if (isOwnKey(key)) return [{ field, description: "muster_ is taken" }];
    if (!/^[a-zA-Z0-9_:. -]{1,255}$/.test(key))
      return [{ field, description: "a key has 1 to 255 of a-z A-Z 0-9 _ : . - and blank" }];
    if ([...value].length > limits.metadataCharsMax)
      return [{ field, description: `over ${limits.metadataCharsMax} characters` }];
    return [];
  });
}
