import type { Mutation } from "./mutation.js";

const book = "supervisor/credentials/credential-book.js";
const bookTests = "supervisor/credential-book.test";
const rotationTests = "supervisor/rotation.test";

/** What keeps accounts' credentials secret, and an account's work going. */
export const credentialMutations: readonly Mutation[] = [
  {
    id: "credentials-bound",
    guard: "a row of credentials opens for no other account",
    rule: "M9.4",
    edits: [
      {
        file: book,
        from: '"credentials", installation, account, colo,',
        to: '"credentials", installation, colo,',
      },
    ],
    caughtBy: { file: bookTests, test: "M9.4 a row that was moved to another account" },
  },
  {
    id: "credentials-last-known",
    guard: "while the store is away the last known credentials serve on",
    rule: "M9.4",
    edits: [{ file: book, from: "if (!before)", to: "if (true)" }],
    caughtBy: { file: bookTests, test: "M9.4 while the store is away the last known" },
  },
  {
    id: "credentials-key-kept",
    guard: "no new key is made where credentials were written under another",
    rule: "M9.4",
    edits: [{ file: book, from: "if (await rows.wereAny(signal))", to: "if (false)" }],
    caughtBy: { file: bookTests, test: "M9.4 no new key hides" },
  },
  {
    id: "credentials-key-owner",
    guard: "a key file that others may read is refused",
    rule: "M9.4",
    edits: [{ file: "drivers/secrets-aes/key-file.js", from: "(mode & 0o077) !== 0", to: "false" }],
    caughtBy: { file: "drivers/secrets-aes.test", test: "M9.4 a key file that others may read" },
  },
  {
    id: "credentials-resealed",
    guard: "sealing credentials anew undoes no rotation",
    rule: "M9.4",
    edits: [
      {
        file: "supervisor/credentials/credential-rows.js",
        from: "docIn(found.value).revision === doc.revision",
        to: "true",
      },
    ],
    caughtBy: { file: bookTests, test: "M9.4 a rotation while old ones are sealed anew" },
  },
  {
    id: "credentials-noticed",
    guard: "new credentials end the wait of who was refused, through whichever node they came",
    rule: "B9.7",
    edits: [
      { file: "supervisor/colo/credentials.js", from: "rotations?.watch(account)", to: "void 0" },
    ],
    caughtBy: { file: rotationTests, test: "B9.7 written through another node" },
  },
  {
    id: "credentials-late-denial",
    guard: "what was refused of the old credentials does not stop who has new ones",
    rule: "B9.7",
    edits: [
      {
        file: "supervisor/colo/credentials.js",
        from: "denial.revision !== credentials.revision(account)",
        to: "false",
      },
    ],
    caughtBy: { file: rotationTests, test: "B9.7 what was refused of the old ones" },
  },
];
