import { type DescMessage, type DescMethod, getOption, type Message } from "@bufbuild/protobuf";
import { access } from "../gen/muster/v1/options_pb.js";
import {
  ForceSchema,
  type ScaleRequest,
  ScalingService,
} from "../gen/muster/v1/scaling_service_pb.js";
import { isPermission, type Permission } from "./permissions.js";

/** What a method needs, looked up once when the server is made. */
export interface MethodAccess {
  /** The field that names the resource; "" for methods of the whole installation. */
  readonly resourcePath: string;
  /** The resource's name as the request gives it; undefined for methods of the installation. */
  readonly resourceOf: (request: Message) => string | undefined;
  /** Of each inner list the caller must hold at least one. */
  readonly needsOf: (request: Message) => readonly (readonly Permission[])[];
}

/**
 * Reads a method's `access` option (B10.2).
 * @throws Error for a method without one, with an unheard-of permission or a field that is not
 * there.
 */
export function accessOf(method: DescMethod): MethodAccess {
  const label = `${method.parent.typeName}.${method.name}`;
  const { permission, resource } = getOption(method, access);
  if (permission === "") throw new Error(`${label} declares no permission (muster.v1.access)`);
  if (!isPermission(permission)) throw new Error(`${label} declares an unknown: ${permission}`);
  const resourceOf = resource === "" ? () => undefined : getterOf(method.input, resource, label);
  const declared = directions.get(method) ?? (() => [permission]);
  const force = method.input.fields.find((field) => field.message === ForceSchema);
  return {
    resourcePath: resource,
    resourceOf,
    needsOf(request) {
      const needs = [declared(request)];
      return force && fieldOf(request, force.localName) !== undefined
        ? [...needs, LIMITS_EXCEED]
        : needs;
    },
  };
}

const LIMITS_EXCEED: readonly Permission[] = ["limits.exceed"];

/** Methods whose permission depends on the direction. A new target may lie in either. */
const directions: ReadonlyMap<DescMethod, (request: Message) => readonly Permission[]> = new Map<
  DescMethod,
  (request: Message) => readonly Permission[]
>([
  [
    ScalingService.method.scale,
    (request) => [(request as ScaleRequest).change < 0 ? "scale.down" : "scale.up"],
  ],
  [ScalingService.method.setTarget, () => ["scale.up", "scale.down"]],
]);

function getterOf(input: DescMessage, path: string, label: string): (request: Message) => string {
  const names: string[] = [];
  let message: DescMessage | undefined = input;
  for (const segment of path.split(".")) {
    const field: DescMessage["fields"][number] | undefined = message?.fields.find(
      ({ name }) => name === segment,
    );
    if (!field) throw new Error(`${label}: ${input.typeName} has no field ${path}`);
    names.push(field.localName);
    message = field.fieldKind === "message" ? field.message : undefined;
  }
  return (request) => {
    let value: unknown = request;
    for (const name of names) value = fieldOf(value, name);
    return typeof value === "string" ? value : "";
  };
}

function fieldOf(value: unknown, name: string): unknown {
  return (value as Readonly<Record<string, unknown>> | undefined)?.[name];
}
