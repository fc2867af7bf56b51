import type { LaunchConfiguration } from "../../core/model/group.js";
import type { CreateServer } from "../../core/ports/cloud.js";
import { addressNetworkKey, marksOf } from "./ownership.js";
import { type BlockDevice, parametersOf } from "./parameters.js";

/**
 * 2.79 (Train): lists by tag (2.26), servers without network (2.37), tags from birth on (2.52), and
 * a server in a cell that is down is told as UNKNOWN instead of failing (2.69).
 */
export const microversion = "2.79";
/** The last one that takes personality. */
export const personalityMicroversion = "2.56";

/** What `POST /servers` is sent, and the microversion that knows all of it. */
export interface CreateCall {
  readonly body: Readonly<Record<string, unknown>>;
  readonly microversion: string;
}

/** @param ids of the launch's image and flavor */
export function createCallOf(
  { name, launch, zone, ownership }: CreateServer,
  ids: { readonly image: string; readonly flavor: string },
): CreateCall {
  const parameters = parametersOf(launch);
  const { scheduler_hints, address_network, tags = [], ...rest } = parameters;
  const { block_device_mapping_v2: devices, ...others } = rest;
  const marks = marksOf(ownership);
  const server = {
    ...others,
    name,
    ...disksOf(devices, ids.image),
    flavorRef: ids.flavor,
    metadata: {
      ...launch.metadata,
      ...marks.metadata,
      ...(address_network !== undefined && { [addressNetworkKey]: address_network }),
    },
    tags: [...tags, ...marks.tags],
    ...(launch.userData !== "" && { user_data: userDataOf(launch) }),
    ...(zone !== undefined && { availability_zone: zone }),
  };
  return {
    body: { server, ...(scheduler_hints && { "os:scheduler_hints": scheduler_hints }) },
    microversion: parameters.personality ? personalityMicroversion : microversion,
  };
}

/** As Nova takes it. */
export function userDataOf({ userData }: Pick<LaunchConfiguration, "userData">): string {
  return Buffer.from(userData, "utf8").toString("base64");
}

/**
 * Image and block devices. A device at boot index 0 is what the server boots from: of a volume that
 * is made from an image, the image is the launch's where it names none of its own. Where devices
 * come beside an image, Nova wants the image among them.
 */
function disksOf(devices: readonly BlockDevice[] | undefined, image: string) {
  if (!devices) return { imageRef: image };
  const root = devices.find(bootsFrom);
  if (!root) {
    const local = { source_type: "image", destination_type: "local", uuid: image, boot_index: 0 };
    const first = { ...local, delete_on_termination: true };
    return { imageRef: image, block_device_mapping_v2: [first, ...devices] };
  }
  const isOfImage = root.source_type === "image" && root.uuid === undefined;
  const filled = isOfImage
    ? devices.map((one) => (one === root ? { ...one, uuid: image } : one))
    : devices;
  const isLocal = root.destination_type === "local";
  return { ...(isLocal && { imageRef: image }), block_device_mapping_v2: filled };
}

/** Whether the server boots from this device. */
export function bootsFrom({ boot_index }: BlockDevice): boolean {
  return boot_index === 0;
}
