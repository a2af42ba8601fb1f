import { alertmanager } from "./alertmanager.ts";
import { generic } from "./generic.ts";
import type { Source } from "./source.ts";

/** Every alert source, one line each. */
export const SOURCES: readonly Source[] = [alertmanager, generic];
