import { coloMutations } from "./colos.js";
import { controlMutations } from "./control.js";
import { createMutations } from "./creates.js";
import { credentialMutations } from "./credentials.js";
import { deleteMutations } from "./deletes.js";
import { doubtMutations } from "./doubt.js";
import { dryRunMutations } from "./dry-run.js";
import { gateMutations } from "./gates.js";
import type { Mutation } from "./mutation.js";
import { orderMutations } from "./orders.js";
import { outsideMutations } from "./outside.js";
import { rebuildMutations } from "./rebuilds.js";
import { recordMutations } from "./records.js";
import { roomMutations } from "./room.js";
import { scaleInMutations } from "./scale-in.js";
import { sightMutations } from "./sight.js";

/** Every guard of the code. One that nothing notices is dead, or a story is missing. */
export const mutations: readonly Mutation[] = [
  ...gateMutations,
  ...createMutations,
  ...roomMutations,
  ...sightMutations,
  ...deleteMutations,
  ...doubtMutations,
  ...orderMutations,
  ...controlMutations,
  ...outsideMutations,
  ...credentialMutations,
  ...recordMutations,
  ...scaleInMutations,
  ...rebuildMutations,
  ...coloMutations,
  ...dryRunMutations,
];
