import type { MusterEvent } from "../model/event.js";
import type { ExplainedEvent } from "../model/explanation.js";

/**
 * The tree of what followed from the root: depth first, siblings in order of time, every event
 * once. What does not hang on the root is left out.
 */
export function treeOf(
  root: MusterEvent,
  events: readonly MusterEvent[],
): readonly ExplainedEvent[] {
  const children = new Map<string, MusterEvent[]>();
  const known = new Set<string>([root.id]);
  for (const event of events) {
    if (known.has(event.id) || event.parent === undefined) continue;
    known.add(event.id);
    const siblings = children.get(event.parent) ?? [];
    siblings.push(event);
    children.set(event.parent, siblings);
  }
  const nodes: ExplainedEvent[] = [];
  // By hand: a chain of losses and replacements may be longer than a call stack.
  const open: ExplainedEvent[] = [{ event: root, depth: 0 }];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    nodes.push(node);
    const { event, depth } = node;
    const next = (children.get(event.id) ?? []).toSorted(byTime);
    for (const child of next.toReversed()) open.push({ event: child, depth: depth + 1 });
  }
  return nodes;
}

/** By time, then by place: a placement numbers its events. */
export function byTime(a: MusterEvent, b: MusterEvent): number {
  if (a.atMs !== b.atMs) return a.atMs - b.atMs;
  const places = [placeOf(a), placeOf(b)] as const;
  if (places[0] !== places[1]) return places[0] < places[1] ? -1 : 1;
  return a.sequence - b.sequence || (a.id < b.id ? -1 : 1);
}

function placeOf({ account, group, colo }: MusterEvent): string {
  return `${account}/${group}/${colo}`;
}
