import type { IncomingMessage } from "node:http";

/** Resolves to undefined as soon as the body is longer; what follows is not read. */
export async function readBody(
  request: IncomingMessage,
  bytesMax: number,
): Promise<Buffer | undefined> {
  const announced = Number(request.headers["content-length"] ?? 0);
  if (announced > bytesMax) return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    const done = (body: Buffer | undefined) => {
      request.off("data", take);
      resolve(body);
    };
    const take = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > bytesMax) return done(undefined);
      chunks.push(chunk);
    };
    request.on("data", take);
    request.once("end", () => done(Buffer.concat(chunks)));
    request.once("error", reject);
    request.once("close", () => reject(new Error("the sender is gone")));
  });
}
