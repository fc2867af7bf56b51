import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { IdentityFiles } from "../../../src/drivers/peers-http2/identity.js";

const run = promisify(execFile);
const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"] as const;

/** One that signs certificates, in files of a test's folder. */
export interface Authority {
  readonly certFile: string;
  /** With these names, as `subjectAltName` has them (`DNS:…`); "" for none. */
  issue(name: string, alternatives: string, days?: number): Promise<IdentityFiles>;
}

export async function createAuthority(folder: string, name: string): Promise<Authority> {
  const certFile = join(folder, `${name}.pem`);
  const keyFile = join(folder, `${name}.key`);
  await run("openssl", [
    ...["req", "-x509", ...key, "-keyout", keyFile, "-out", certFile, "-days", "2"],
    ...["-subj", `/CN=${name}`, "-addext", "keyUsage=critical,keyCertSign"],
  ]);
  return {
    certFile,
    async issue(subject, alternatives, days = 1) {
      const own = (end: string) => join(folder, `${name}-${subject}.${end}`);
      const extensions = alternatives === "" ? "" : `subjectAltName=${alternatives}\n`;
      await writeFile(own("ext"), `basicConstraints=CA:FALSE\n${extensions}`);
      await run("openssl", [
        ...["req", "-new", ...key, "-keyout", own("key"), "-out", own("csr")],
        ...["-subj", `/CN=${subject}`],
      ]);
      await run("openssl", [
        ...["x509", "-req", "-in", own("csr"), "-CA", certFile, "-CAkey", keyFile],
        ...["-CAcreateserial", "-days", String(days), "-extfile", own("ext"), "-out", own("pem")],
      ]);
      return { certFile: own("pem"), keyFile: own("key"), caFile: certFile };
    },
  };
}
