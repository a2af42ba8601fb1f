/** The workflow types of the bundle. */
export { remediation } from "./remediation.ts";
export { sweep } from "./sweep.ts";
export { watch } from "./watch.ts";
