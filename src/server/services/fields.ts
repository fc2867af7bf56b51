import { invalidFields, isFault } from "../../core/errors/fault.js";

/** Page size of lists that do not say (B1.4). */
const PAGE_SIZE_DEFAULT = 100;

export function readPageSize(pageSize: number): number {
  return pageSize === 0 ? PAGE_SIZE_DEFAULT : pageSize;
}

/**
 * As `work`, with violations told in the request's own paths: use cases know the resource
 * (`placements[0].min`), callers sent a request that holds it (`group.placements[0].min`).
 */
export async function withFieldsIn<Value>(member: string, work: Promise<Value>): Promise<Value> {
  try {
    return await work;
  } catch (error) {
    if (!isFault(error, "FIELD_INVALID")) throw error;
    const own = (field: string) =>
      field.startsWith(`${member}.`) || field.startsWith("update_mask");
    throw invalidFields(
      error.violations.map(({ field, description }) => ({
        field: own(field) ? field : `${member}.${field}`,
        description,
      })),
    );
  }
}

/** For `exactOptionalPropertyTypes`: an object without its undefined members. */
export function given<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Name in keyof Fields]?: never };
}

/** "" is how proto3 says that a string is not given. */
export function textOf<Text extends string>(text: string): Text | undefined {
  return text === "" ? undefined : (text as Text);
}
