import { createRequire } from "node:module";

/** What is used of echarts. Its own types want a browser's. */
export interface Chart {
  setOption(option: object): void;
  renderToSVGString(): string;
  dispose(): void;
}

interface Charts {
  init(
    element: null,
    theme: null,
    options: {
      readonly renderer: "svg";
      readonly ssr: true;
      readonly width: number;
      readonly height: number;
    },
  ): Chart;
}

const require = createRequire(import.meta.url);

export function openChart(size: { readonly width: number; readonly height: number }): Chart {
  const charts = require("echarts") as Charts;
  return charts.init(null, null, { renderer: "svg", ssr: true, ...size });
}
