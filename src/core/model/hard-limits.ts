/** Servers that one placement may have at most; not even force passes it (B1.1, B2.7). */
export const serversPerPlacementMax = 2_000;
