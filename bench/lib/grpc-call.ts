import {
  type DescMethodUnary,
  fromBinary,
  type Message,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";

/** A connection of its own, never one shared with another client of this process. */
export function openGrpcClient(address: string): grpc.Client {
  return new grpc.Client(address, grpc.credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_channelz": 0,
  });
}

export function bearer(token: string): grpc.Metadata {
  const metadata = new grpc.Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  return metadata;
}

export function callUnary<Input extends Message, Output extends Message>(
  client: grpc.Client,
  method: DescMethodUnary & { readonly input: { readonly $typeName?: string } },
  request: Input,
  metadata: grpc.Metadata,
): Promise<Output> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      pathOf(method),
      (message: Input) => Buffer.from(toBinary(method.input, message as never)),
      (bytes: Buffer) => fromBinary(method.output, bytes) as MessageShape<typeof method.output>,
      request,
      metadata,
      (error, response) => (error ? reject(error) : resolve(response as unknown as Output)),
    );
  });
}

export function pathOf(method: { parent: { typeName: string }; name: string }): string {
  return `/${method.parent.typeName}/${method.name}`;
}
