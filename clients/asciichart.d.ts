/** The package brings no types; this is as much of it as the picture uses. */
declare module "asciichart" {
  export interface PlotConfig {
    readonly min?: number;
    readonly max?: number;
    readonly height?: number;
    readonly colors?: readonly string[];
    readonly format?: (value: number) => string;
  }
  export function plot(series: readonly (readonly number[])[], config?: PlotConfig): string;
  export const green: string;
  export const yellow: string;
  export const cyan: string;
  export const darkgray: string;
}
