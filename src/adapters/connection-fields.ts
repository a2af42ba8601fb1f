/** What several connections of selfheal.yaml have, as it is once secrets are resolved. */
import { z } from "zod";
import { Secret } from "../ports/secret.ts";

export const secret = z.instanceof(Secret, { message: "expected a secret: { env: NAME } or { file: path }" });
export const url = z.url({ protocol: /^https?$/, message: "expected an http or https URL" });
