/** Which colos can reach each other. */
export interface Links {
  /** Both ways, until it is mended. */
  cut(one: string, two: string): void;
  mend(one: string, two: string): void;
  mendAll(): void;
  isCut(one: string, two: string): boolean;
}

export function createLinks(): Links {
  const cuts = new Set<string>();
  const nameOf = (one: string, two: string) => [one, two].toSorted().join("|");
  return {
    cut: (one, two) => void cuts.add(nameOf(one, two)),
    mend: (one, two) => void cuts.delete(nameOf(one, two)),
    mendAll: () => cuts.clear(),
    isCut: (one, two) => cuts.has(nameOf(one, two)),
  };
}
