/** The demo's live view: lines with both times, the real one and the datacenter's. */
import { note, paint } from "../output.ts";
import { clock } from "./epilogue.ts";

export type Say = (who: string, line: string) => void;

/** `startedAt`: of `performance.now()`. */
export function sayFrom(startedAt: number, timeScale: number): Say {
  return (who, line) => {
    const ms = performance.now() - startedAt;
    const times = `${(ms / 1000).toFixed(1).padStart(5)}s ${clock(ms * timeScale).padStart(6)}`;
    note(`${paint("dim", times, process.stderr)}  ${paint("bold", who.padEnd(9), process.stderr)} ${line}`);
  };
}
