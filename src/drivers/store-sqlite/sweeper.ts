import type { Database } from "../sqlite-worker/database.js";

const sweepPauseMs = 1_000;
const rowsPerSweepMax = 500;

/**
 * Removes expired rows, a bounded number at a time, inside transactions that are made anyway: no
 * timer, no fsync of its own. A store that nobody writes to keeps them; they read as absent.
 */
export function createSweeper(db: Database): (nowMs: number) => void {
  const sweep = db.prepare(
    `DELETE FROM rows WHERE (partition_id, kind, key) IN (
       SELECT partition_id, kind, key FROM rows
       WHERE expires_at_ms IS NOT NULL AND expires_at_ms <= ? LIMIT ${rowsPerSweepMax})`,
  );
  let nextMs = Number.NEGATIVE_INFINITY;
  return (nowMs) => {
    const steppedBack = nextMs - nowMs > sweepPauseMs;
    if (nowMs < nextMs && !steppedBack) return;
    const more = Number(sweep.run(nowMs).changes) === rowsPerSweepMax;
    nextMs = more ? nowMs : nowMs + sweepPauseMs;
  };
}
