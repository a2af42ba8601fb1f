/** The workflow types of the bundle. */
export { lessons } from "./lessons.ts";
export { manifest } from "./manifest.ts";
export { recordMark } from "./record-mark.ts";
export { remediation } from "./remediation.ts";
export { sweep } from "./sweep.ts";
export { watch } from "./watch.ts";
