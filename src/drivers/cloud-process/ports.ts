import { createServer } from "node:net";
import { host } from "./launch.js";

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** All ports of the range, beginning behind the last one given, so that reuse comes late (B5.2). */
export function* portsAfter(range: PortRange, last: number | undefined): Generator<number> {
  const size = range.to - range.from + 1;
  const first = last === undefined ? 0 : (last - range.from + 1 + size) % size;
  for (let step = 0; step < size; step++) yield range.from + ((first + step) % size);
}

/** Whether nobody listens there now: the port is bound for a moment. */
export async function isPortFree(port: number): Promise<boolean> {
  const probe = createServer();
  return await new Promise((resolve) => {
    probe.once("error", () => resolve(false));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/** Where a range's first port is looked for: colos that share a range rarely meet there. */
export function startOf(range: PortRange, name: string): number {
  let hash = 0x811c9dc5;
  for (const char of name) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return range.from + (hash % (range.to - range.from + 1));
}
