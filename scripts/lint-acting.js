// @ts-check
/**
 * Lint rule: the effect wrapper is the only way to act (design §3). What a port or an operation marks with `@acts`
 * changes other people's systems: only the files that are let through may touch it, whatever the value is called there.
 */
import ts from "typescript";

/**
 * The member of an interface that is marked, as `BmcPort.setPower`.
 * @param {ts.Symbol | undefined} symbol
 */
function actingMember(symbol) {
  for (const declaration of symbol?.declarations ?? []) {
    const { parent } = declaration;
    if (!ts.isInterfaceDeclaration(parent)) continue;
    const isMarked = ts.getJSDocTags(declaration).some((tag) => tag.tagName.text === "acts");
    if (isMarked) return { of: parent.name.text, name: `${parent.name.text}.${symbol?.name}` };
  }
  return null;
}

/** `allow`: names of interfaces whose marked members this file may use. @type {import("eslint").Rule.RuleModule} */
export const onlyActionsAct = {
  meta: {
    type: "problem",
    schema: [{ type: "object", properties: { allow: { type: "array", items: { type: "string" } } } }],
    messages: {
      acts:
        "{{name}} changes the world: only an action does (src/activities/<port>.ts), and only the effect wrapper " +
        "(src/activities/effects.ts) runs one.",
    },
  },
  create(context) {
    const allow = context.options[0]?.allow ?? [];
    const services = context.sourceCode.parserServices;
    const typeOf = (node) =>
      services.program.getTypeChecker().getTypeAtLocation(services.esTreeNodeToTSNodeMap.get(node));
    const check = (node, symbol) => {
      const found = actingMember(symbol);
      if (found === null || allow.includes(found.of)) return;
      context.report({ node, messageId: "acts", data: { name: found.name } });
    };
    return {
      // `ports.bmc.setPower`, `ports.bmc["setPower"]`
      MemberExpression: (node) => {
        const name = node.computed ? node.property.value : node.property.name;
        if (typeof name === "string") check(node.property, typeOf(node.object).getNonNullableType().getProperty(name));
      },
      // `const { setPower } = ports.bmc`
      "ObjectPattern > Property": (node) => {
        if (!node.computed) check(node.key, typeOf(node.parent).getProperty(node.key.name));
      },
    };
  },
};
