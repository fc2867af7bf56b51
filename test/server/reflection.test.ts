import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  create,
  createFileRegistry,
  type DescMethod,
  fromBinary,
  getOption,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { field } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import * as grpc from "@grpc/grpc-js";
import { Health } from "../../src/gen/grpc/health/v1/health_pb.js";
import * as v1 from "../../src/gen/grpc/reflection/v1/reflection_pb.js";
import * as v1alpha from "../../src/gen/grpc/reflection/v1alpha/reflection_pb.js";
import { access } from "../../src/gen/muster/v1/options_pb.js";
import { failureOf } from "./doors.js";
import { createWorld } from "./world.js";

type Question = MessageShape<typeof v1.ServerReflectionRequestSchema>["messageRequest"];
type Answer = MessageShape<typeof v1.ServerReflectionResponseSchema>;

const services = [
  "AccessService",
  "ColoService",
  "EventService",
  "GroupService",
  "NotifierService",
  "PolicyService",
  "ScalingService",
  "ScheduleService",
  "ServerService",
  "WebhookService",
].map((name) => `muster.v1.${name}`);

/** Asks all questions on one stream, without a token. */
function ask(target: string, service: string, questions: readonly Question[]): Promise<Answer[]> {
  const client = new grpc.Client(target, grpc.credentials.createInsecure());
  // v1 and v1alpha have one wire shape: that is the point of the test.
  const method: DescMethod = v1.ServerReflection.method.serverReflectionInfo;
  const call = client.makeBidiStreamRequest(
    `/${service}/${method.name}`,
    (question: Question) =>
      Buffer.from(
        toBinary(
          v1.ServerReflectionRequestSchema,
          create(v1.ServerReflectionRequestSchema, { host: "h", messageRequest: question }),
        ),
      ),
    (bytes) => fromBinary(v1.ServerReflectionResponseSchema, bytes),
  );
  for (const question of questions) call.write(question);
  call.end();
  return new Promise((resolve, reject) => {
    const answers: Answer[] = [];
    call.on("data", (answer: Answer) => answers.push(answer));
    call.on("error", reject);
    call.on("end", () => {
      client.close();
      resolve(answers);
    });
  });
}

function filesOf(answer: Answer) {
  assert.equal(answer.messageResponse.case, "fileDescriptorResponse");
  const { fileDescriptorProto } = answer.messageResponse.value as v1.FileDescriptorResponse;
  return fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
}

describe("reflection", () => {
  for (const service of [v1.ServerReflection.typeName, v1alpha.ServerReflection.typeName])
    test(`${service} lists and describes every service`, async (t) => {
      const { target } = await createWorld(t);
      const [listed] = await ask(target, service, [{ case: "listServices", value: "*" }]);
      assert.equal(listed!.validHost, "h");
      const { service: found } = listed!.messageResponse.value as v1.ListServiceResponse;
      const names = found.map(({ name }) => name);
      for (const name of [...services, v1.ServerReflection.typeName, Health.typeName])
        assert.ok(names.includes(name), name);

      const questions = services.map((value) => ({ case: "fileContainingSymbol", value }) as const);
      const answers = await ask(target, service, questions);
      assert.equal(answers.length, services.length);
      for (const [index, answer] of answers.entries()) {
        const files = filesOf(answer);
        const file = files.toReversed();
        const registry = createFileRegistry(create(FileDescriptorSetSchema, { file }));
        const desc = registry.getService(services[index]!)!;
        // The options are there too: who describes a method sees its permission and its limits.
        assert.ok(files[0]!.service.some(({ name }) => services[index]!.endsWith(name)));
        for (const method of desc.methods) assert.ok(getOption(method, access).permission !== "");
      }
      const [withRules] = await ask(target, service, [
        { case: "fileContainingSymbol", value: "muster.v1.GetGroupRequest" },
      ]);
      const file = filesOf(withRules!).toReversed();
      const request = createFileRegistry(create(FileDescriptorSetSchema, { file })).getMessage(
        "muster.v1.GetGroupRequest",
      )!;
      assert.equal(getOption(request.fields[0]!, field).type.case, "string");
    });

  test("answers every kind of question, and says what it does not know", async (t) => {
    const { target } = await createWorld(t);
    const answers = await ask(target, v1.ServerReflection.typeName, [
      { case: "fileByFilename", value: "buf/validate/validate.proto" },
      { case: "fileByFilename", value: "google/rpc/error_details.proto" },
      { case: "fileContainingSymbol", value: "muster.v1.GroupService.GetGroup" },
      { case: "allExtensionNumbersOfType", value: "google.protobuf.MethodOptions" },
      {
        case: "fileContainingExtension",
        value: create(v1.ExtensionRequestSchema, {
          containingType: "google.protobuf.MethodOptions",
          extensionNumber: 50801,
        }),
      },
      { case: "fileByFilename", value: "nope.proto" },
      { case: "fileContainingSymbol", value: "nope" },
      { case: undefined },
    ]);
    assert.deepEqual(
      answers.map(({ messageResponse }) => messageResponse.case),
      [
        "fileDescriptorResponse",
        "fileDescriptorResponse",
        "fileDescriptorResponse",
        "allExtensionNumbersResponse",
        "fileDescriptorResponse",
        "errorResponse",
        "errorResponse",
        "errorResponse",
      ],
    );
    assert.equal(filesOf(answers[2]!)[0]!.name, "muster/v1/group_service.proto");
    const numbers = answers[3]!.messageResponse.value as v1.ExtensionNumberResponse;
    assert.deepEqual(numbers.extensionNumber, [50801]);
    assert.equal(filesOf(answers[4]!)[0]!.name, "muster/v1/options.proto");
    assert.equal((answers[5]!.messageResponse.value as v1.ErrorResponse).errorCode, 5);
  });
});

describe("health", () => {
  test("the server and each of its services are SERVING; others are unheard of", async (t) => {
    const { grpc: door } = await createWorld(t);
    for (const service of ["", ...services])
      assert.equal((await door.unary(Health.method.check, { service })).status, 1, service);
    const unknown = await failureOf(door.unary(Health.method.check, { service: "nope" }));
    assert.equal(unknown.code, 5);
    const watch = door.stream(Health.method.watch, { service: "nope" });
    assert.equal((await watch.next()).value!.status, 3);
    await watch.return();
  });
});
