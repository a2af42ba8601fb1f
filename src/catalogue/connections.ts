/** The one place where the catalogue learns what connections there may be. */
export { connectionsSchema } from "../adapters/connections.ts";
