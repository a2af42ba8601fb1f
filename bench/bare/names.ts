export const BARE_QUEUE = "bench-bare";
export type BareWorkflow = "bare" | "bareLocal";
