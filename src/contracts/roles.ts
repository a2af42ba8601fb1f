/** What somebody may do over the API. Who may approve which plan is said by `people` of selfheal.yaml besides. */
export const ROLES = ["viewer", "operator", "approver", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** Whoever administers does not thereby approve: that takes a role of its own. */
const GIVES: Record<Role, readonly Role[]> = {
  viewer: ["viewer"],
  operator: ["operator", "viewer"],
  approver: ["approver", "viewer"],
  admin: ["admin", "operator", "viewer"],
};

/** What every token of the API begins with: tells people, and secret scanners, what it is. */
export const API_TOKEN_PREFIX = "selfheal_api_";

/** One role in some groups; `groups` null: in all, and in what belongs to no group. */
export interface Grant {
  role: Role;
  groups: readonly string[] | null;
}

/** Where these grants give a role: "everywhere", the names of groups, or none. */
export function reachOf(grants: readonly Grant[], role: Role): "everywhere" | readonly string[] {
  const giving = grants.filter((grant) => GIVES[grant.role].includes(role));
  if (giving.some((grant) => grant.groups === null)) return "everywhere";
  return [...new Set(giving.flatMap((grant) => grant.groups ?? []))].sort();
}
