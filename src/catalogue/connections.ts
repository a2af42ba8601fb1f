/** The one place where the catalogue learns what connections there may be. */
export { connectionsSchema, type Connections } from "../adapters/connections.ts";
