import { Ajv, type ErrorObject } from "ajv";
import type { FieldViolation } from "../core/errors/fault.js";

/** All that is wrong with a value, by path. Never tells what the value is. */
export type SchemaCheck = (value: unknown) => readonly FieldViolation[];

type Schema = Readonly<Record<string, unknown>>;

/** What a driver's schema says of its options, or of an account's secret. */
export interface SchemaUse {
  readonly kind: "options" | "credentials";
  /** Where its paths begin. */
  readonly root: string;
}

/**
 * A check by a driver's JSON Schema. Options get the schema's defaults; a secret stays as written.
 *
 * @throws Error: it is no valid JSON Schema.
 */
export function checkBySchema(schema: Schema, { kind, root }: SchemaUse): SchemaCheck {
  try {
    const ajv = new Ajv({ allErrors: true, useDefaults: kind === "options", strict: true });
    const validate = ajv.compile(closed(schema));
    const unknown = kind === "options" ? "unknown option" : "unknown field";
    return (value) =>
      validate(value)
        ? []
        : meant(validate.errors ?? []).map((error) => describe(error, root, unknown));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`its ${kind}Schema is not a valid JSON Schema: ${why}`);
  }
}

/** Unknown keys are refused even where a schema forgot to say so. */
function closed(schema: Schema): Schema {
  const isPlain = !["additionalProperties", "allOf", "anyOf", "oneOf", "$ref"].some(
    (keyword) => keyword in schema,
  );
  return isPlain ? { type: "object", ...schema, additionalProperties: false } : schema;
}

/** Where a schema offers several forms: which of them an error is about. */
const ofForm = /^(.*?\/(?:anyOf|oneOf))\/(\d+)\//;

/** Of several forms the one that comes closest was meant: the others' complaints only confuse. */
function meant(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const forms = new Map<string, Map<string, ErrorObject[]>>();
  for (const error of errors) {
    const [, choice, form] = ofForm.exec(error.schemaPath) ?? [];
    if (choice === undefined || form === undefined) continue;
    const known = forms.get(choice) ?? new Map<string, ErrorObject[]>();
    forms.set(choice, known.set(form, [...(known.get(form) ?? []), error]));
  }
  const closest = [...forms.values()].flatMap((known) => {
    return [...known.values()].toSorted((a, b) => a.length - b.length)[0] ?? [];
  });
  const others = errors.filter(
    ({ schemaPath }) => !ofForm.test(schemaPath) && !forms.has(schemaPath),
  );
  return [...others, ...closest];
}

/** The path as it stands in the configuration or request, and what is wrong there. */
function describe(error: ErrorObject, root: string, unknown: string): FieldViolation {
  const parts = error.instancePath.split("/").slice(1).map(unescapePointer);
  const params = error.params as Readonly<Record<string, unknown>>;
  const key = params["additionalProperty"] ?? params["missingProperty"];
  const field = [root, ...parts, ...(key === undefined ? [] : [String(key)])].join(".");
  if (error.keyword === "additionalProperties") return { field, description: unknown };
  if (error.keyword === "required") return { field, description: "is required" };
  return { field, description: error.message ?? error.keyword };
}

function unescapePointer(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}
