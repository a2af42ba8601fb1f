/** The search attributes of a remediation, all of type Keyword, values clipped to 255 characters. */
export const SEARCH_ATTRIBUTES = [
  "SelfhealTarget",
  "SelfhealRunbook",
  "SelfhealPhase",
  "SelfhealOutcome",
  "SelfhealGroup",
  "SelfhealSeverity",
  "SelfhealRemediationId",
] as const;
export type SearchAttribute = (typeof SEARCH_ATTRIBUTES)[number];
export const MAX_ATTRIBUTE_LENGTH = 255;
