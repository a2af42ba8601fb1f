import type { Catalogue } from "./catalogue.ts";

/**
 * Why what somebody says does not count, or null. `roles`: one of these is needed; null: to be among the people of
 * selfheal.yaml is enough. `what` needs them: `this plan`.
 */
export function whyUnknown(
  { people }: Pick<Catalogue, "people">,
  by: string,
  roles: readonly string[] | null,
  what = "this plan",
): string | null {
  const person = people.find((one) => one.name === by);
  if (person === undefined) return `${by} is not among the people of selfheal.yaml`;
  if (roles === null || person.roles.some((role) => roles.includes(role))) return null;
  return `${by} has the roles ${person.roles.join(", ") || "none"}; ${what} needs ${roles.join(" or ") || "a role that nobody named"}`;
}
