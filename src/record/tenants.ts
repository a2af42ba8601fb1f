/** Several programs on one PostgreSQL server: each with a role that may do nothing but own its databases. */
import { Client } from "pg";

export interface Tenant {
  /** Its role: it may log in, and is no superuser. */
  role: string;
  password: string;
  /** It owns them, and no other role may connect to them. */
  databases: readonly string[];
}

/** Makes what is missing and sets the password. Safe to repeat. `adminUrl` is a superuser's: never print it. */
export async function ensureTenant(adminUrl: string, tenant: Tenant): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const role = client.escapeIdentifier(tenant.role);
    const known = await client.query("select 1 from pg_roles where rolname = $1", [tenant.role]);
    const verb = known.rowCount === 0 ? "create" : "alter";
    await client.query(`${verb} role ${role} login nosuperuser password ${client.escapeLiteral(tenant.password)}`);
    for (const name of tenant.databases) {
      const database = client.escapeIdentifier(name);
      const found = await client.query("select 1 from pg_database where datname = $1", [name]);
      if (found.rowCount === 0) await client.query(`create database ${database} owner ${role}`);
      await client.query(`revoke connect on database ${database} from public`);
    }
  } finally {
    await client.end();
  }
}
