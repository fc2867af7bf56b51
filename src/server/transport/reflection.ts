import {
  create,
  createRegistry,
  type DescFile,
  type DescMessage,
  type DescService,
  type MessageInitShape,
  type MessageShape,
  type Registry,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type * as grpc from "@grpc/grpc-js";
import { file_google_rpc_error_details } from "../../gen/google/rpc/error_details_pb.js";
import { file_google_rpc_status } from "../../gen/google/rpc/status_pb.js";
import { Health } from "../../gen/grpc/health/v1/health_pb.js";
import * as v1 from "../../gen/grpc/reflection/v1/reflection_pb.js";
import * as v1alpha from "../../gen/grpc/reflection/v1alpha/reflection_pb.js";
import { codes } from "../status-error.js";
import { definitionOf, type OpenService } from "./grpc-door.js";

/** Questions that one client may ask on one stream. */
export const reflectionLimits = { questionsMax: 10_000 } as const;

type Question = v1.ServerReflectionRequest | v1alpha.ServerReflectionRequest;
type Answer = MessageInitShape<typeof v1.ServerReflectionResponseSchema>["messageResponse"];

/** Server reflection, v1 and v1alpha: the schema is public, so nobody needs a token for it. */
export function createReflectionServices(services: readonly DescService[]): readonly OpenService[] {
  const all = [...services, Health, v1.ServerReflection, v1alpha.ServerReflection];
  const roots = [
    ...all.map(({ file }) => file),
    file_google_rpc_status,
    file_google_rpc_error_details,
  ];
  const answer = createAnswerer(all.map(({ typeName }) => typeName).sort(), closureOf(roots));
  return [
    openService(v1.ServerReflection, v1.ServerReflectionResponseSchema, answer),
    openService(v1alpha.ServerReflection, v1alpha.ServerReflectionResponseSchema, answer),
  ];
}

/** Files with all that they import, imports first, each once. */
function closureOf(roots: readonly DescFile[]): readonly DescFile[] {
  const found = new Map<string, DescFile>();
  const visit = (file: DescFile) => {
    if (found.has(file.proto.name)) return;
    for (const dependency of file.dependencies) visit(dependency);
    found.set(file.proto.name, file);
  };
  for (const file of roots) visit(file);
  return [...found.values()];
}

function createAnswerer(
  names: readonly string[],
  files: readonly DescFile[],
): (question: Question) => Answer {
  const registry = createRegistry(...files);
  const byName = new Map(files.map((file) => [file.proto.name, file]));
  return ({ messageRequest: asked }) => {
    switch (asked.case) {
      case "listServices":
        return {
          case: "listServicesResponse",
          value: { service: names.map((name) => ({ name })) },
        };
      case "fileByFilename":
        return fileAnswer(byName.get(asked.value), asked.value);
      case "fileContainingSymbol":
        return fileAnswer(fileOfSymbol(registry, asked.value), asked.value);
      case "fileContainingExtension": {
        const { containingType, extensionNumber } = asked.value;
        const extension = extensionsOf(files, containingType).get(extensionNumber);
        return fileAnswer(extension, `${containingType} ${extensionNumber}`);
      }
      case "allExtensionNumbersOfType": {
        const extensionNumber = [...extensionsOf(files, asked.value).keys()];
        return {
          case: "allExtensionNumbersResponse",
          value: { baseTypeName: asked.value, extensionNumber },
        };
      }
      case undefined:
        return errorAnswer(codes.invalidArgument, "nothing was asked");
      default:
        return asked satisfies never;
    }
  };
}

function fileAnswer(file: DescFile | undefined, asked: string): Answer {
  if (!file) return errorAnswer(codes.notFound, `${asked} is not known here`);
  const fileDescriptorProto = closureOf([file])
    .toReversed() // The one that was asked for first.
    .map((one) => toBinary(FileDescriptorProtoSchema, one.proto));
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
}

function errorAnswer(errorCode: number, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}

/** A symbol is a service, message, enum or extension, or `service.Method`. */
function fileOfSymbol(registry: Registry, symbol: string): DescFile | undefined {
  const parent = symbol.slice(0, Math.max(0, symbol.lastIndexOf(".")));
  return (registry.get(symbol) ?? registry.getService(parent))?.file;
}

function extensionsOf(files: readonly DescFile[], typeName: string): Map<number, DescFile> {
  const extensions = files.flatMap((file) => file.extensions);
  const own = extensions.filter(({ extendee }) => extendee.typeName === typeName);
  return new Map(own.map(({ number, file }) => [number, file]));
}

function openService(
  desc: DescService,
  output: DescMessage,
  answer: (question: Question) => Answer,
): OpenService {
  type Response = MessageShape<DescMessage>;
  const info = (call: grpc.ServerDuplexStream<Question, Response>) => {
    let questions = 0;
    call.on("data", (question: Question) => {
      if (++questions > reflectionLimits.questionsMax) return void call.end();
      const { host } = question;
      const response = create(output, {
        validHost: host,
        originalRequest: question,
        messageResponse: answer(question),
      } as MessageInitShape<DescMessage>);
      if (call.write(response)) return;
      call.pause();
      call.once("drain", () => call.resume());
    });
    call.on("end", () => call.end());
    call.on("error", () => call.end());
  };
  return {
    definition: definitionOf(desc.typeName, desc.methods),
    handlers: { ServerReflectionInfo: info } as grpc.UntypedServiceImplementation,
  };
}
