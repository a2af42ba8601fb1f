/** With payload encryption, messages and stacks of failures are payloads too. The SDK loads this file by its path. */
import { DefaultFailureConverter } from "@temporalio/common";

export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
