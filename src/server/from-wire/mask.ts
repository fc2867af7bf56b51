import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { reflect } from "@bufbuild/protobuf/reflect";
import type { FieldMask } from "@bufbuild/protobuf/wkt";
import { type FieldViolation, invalidFields } from "../../core/errors/fault.js";
import type { RequestValidator } from "../validate.js";

/** Fields, by their names in the proto, of a resource that only the service writes. */
export type OutputOnly = ReadonlySet<string>;

export const maskLimits = { pathsMax: 100 } as const;

type Steps = readonly DescField[];

/**
 * The paths of an update's mask as fields; every settable field when it is absent, empty or `*`.
 * A path may reach into messages (`launch_configuration.image`), not into lists or maps.
 * @throws Fault `FIELD_INVALID` naming every path that is unknown or output only.
 */
function readMask(
  desc: DescMessage,
  mask: FieldMask | undefined,
  outputOnly: OutputOnly,
): readonly Steps[] {
  const paths = mask?.paths ?? [];
  if (paths.length > maskLimits.pathsMax) {
    const description = `must have at most ${maskLimits.pathsMax} paths`;
    throw invalidFields([{ field: "update_mask.paths", description }]);
  }
  if (paths.length === 0 || (paths.length === 1 && paths[0] === "*"))
    return desc.fields.filter(({ name }) => !outputOnly.has(name)).map((field) => [field]);
  const violations: FieldViolation[] = [];
  const read = paths.flatMap((path, index) => {
    const steps = stepsOf(desc, path);
    const description = !steps
      ? `\`${path}\` is not a field of ${desc.name}`
      : outputOnly.has(steps[0]!.name)
        ? `\`${path}\` is output only`
        : undefined;
    if (description === undefined) return [steps!];
    violations.push({ field: `update_mask.paths[${index}]`, description });
    return [];
  });
  if (violations.length > 0) throw invalidFields(violations);
  return read;
}

function stepsOf(desc: DescMessage, path: string): Steps | undefined {
  const steps: DescField[] = [];
  let message: DescMessage | undefined = desc;
  for (const segment of path.split(".")) {
    const field: DescField | undefined = message?.fields.find(({ name }) => name === segment);
    if (!field) return undefined;
    steps.push(field);
    // Well-known types (Duration, Struct) are values to a user, not messages with parts.
    const inner: DescMessage | undefined =
      field.fieldKind === "message" ? field.message : undefined;
    message = inner?.typeName.startsWith("google.") ? undefined : inner;
  }
  return steps;
}

/** How an update's resource becomes a change of the stored one. */
export interface MaskedUpdate<Wire extends Message, Spec> {
  readonly desc: GenMessage<Wire>;
  /** The resource as the caller sent it. */
  readonly source: Wire;
  readonly mask: FieldMask | undefined;
  readonly outputOnly: OutputOnly;
  /** The request's own path of the resource, e.g. `group.`: violations are named below it. */
  readonly path: string;
  readonly validator: RequestValidator;
  readonly write: (stored: Spec) => Wire;
  readonly read: (merged: Wire) => Spec;
}

/**
 * Merges the masked fields into what is stored, and checks the merged whole.
 * @throws Fault `FIELD_INVALID`: at once for a bad mask, from the change for bad values.
 */
export function readMasked<Wire extends Message, Spec>(
  update: MaskedUpdate<Wire, Spec>,
): (stored: Spec) => Spec {
  const { desc, source, outputOnly, path, validator, write, read } = update;
  const mask = readMask(desc, update.mask, outputOnly);
  return (stored) => {
    const target = write(stored);
    for (const steps of mask) copyField(desc, { source, target }, steps);
    const violations = validator.violationsOf(desc, target, path);
    if (violations.length > 0) throw invalidFields(violations);
    return read(target);
  };
}

/** Copies one masked field from `source` to `target`: one absent in `source` is cleared. */
function copyField(
  desc: DescMessage,
  { source, target }: { readonly source: Message; readonly target: Message },
  [field, ...rest]: Steps,
): void {
  if (!field) return;
  const from = reflect(desc, source);
  const to = reflect(desc, target);
  if (rest.length > 0 && field.fieldKind === "message") {
    if (!from.isSet(field) && !to.isSet(field)) return;
    const part = { source: from.get(field).message, target: to.get(field).message };
    copyField(field.message, part, rest);
    to.set(field, reflect(field.message, part.target));
    return;
  }
  to.clear(field);
  if (from.isSet(field)) to.set(field, from.get(field));
}
