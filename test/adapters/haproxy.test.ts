import { describe, expect, it } from "vitest";
import { haproxy } from "../../src/adapters/haproxy/load-balancer.ts";
import { parseEndpoint } from "../../src/adapters/sockets.ts";
import { deadPort, failureOf, lineStub, outside } from "./support.ts";

const STAT = `# pxname,svname,scur,status,weight,type,
front,FRONTEND,3,OPEN,,0,
web,web-1,2,DOWN,50,2,
web,BACKEND,2,UP,50,1,

`;
const STATE = `1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change
3 web 1 web-1 127.0.0.1 0 8 5 50 12

`;

describe("haproxy", () => {
  it("reads the tables by their headers and joins them", async () => {
    const stub = await lineStub((line) => (line === "show stat" ? STAT : STATE));
    const servers = await haproxy({ address: stub.address, outside }).servers();
    stub.close();
    expect(servers).toEqual([
      {
        pool: "web",
        server: "web-1",
        admin: "drain",
        operational: "down",
        sessions: 2,
        weightPercent: 10,
        weightStepPercent: 2,
      },
    ]);
  });

  it("is transient when the tables do not fit together, so that nothing is decided on half of them", async () => {
    const stub = await lineStub((line) => (line === "show stat" ? "# pxname,svname,scur,type,\n\n" : STATE));
    expect((await failureOf(haproxy({ address: stub.address, outside }).servers())).failure).toBe("transient");
    stub.close();
  });

  it.each(["show stat", "show servers state"])("is transient when %s is cut between two rows", async (cut) => {
    const more = { "show stat": STAT.trim(), "show servers state": STATE.trim() };
    const stub = await lineStub((line) =>
      line === cut ? `${more[cut as keyof typeof more]}\n` : line === "show stat" ? STAT : STATE,
    );
    const failure = await failureOf(haproxy({ address: stub.address, outside }).servers());
    stub.close();
    expect(failure).toMatchObject({ failure: "transient", message: expect.stringContaining("cut") as string });
  });

  const write = (address: string) => failureOf(haproxy({ address, outside }).setAdmin("web", "web-1", "drain"));

  it("maps a lost answer of a write to ambiguous, a refused connection to transient, a refusal to permanent", async () => {
    for (const [answer, failure] of [
      ["", "ambiguous"],
      [null, "ambiguous"],
      ["No such ser", "ambiguous"],
      ["No such server.\n\n", "permanent"],
      ["Permission denied\n\n", "permanent"],
    ] as const) {
      const stub = await lineStub(() => answer);
      expect((await write(stub.address)).failure).toBe(failure);
      stub.close();
    }
    expect((await write(`tcp://127.0.0.1:${await deadPort()}`)).failure).toBe("transient");
    expect((await write("unix:///nowhere/haproxy.sock")).failure).toBe("transient");
  });

  it("sends exactly one command, and none at all for a name that is none", async () => {
    const stub = await lineStub(() => "\n");
    const port = haproxy({ address: stub.address, outside });
    await port.setWeight("web", "web-1", 25);
    await port.setAdmin("web", "web-1", "ready");
    await failureOf(port.setAdmin("web", "web-1; shutdown", "ready"));
    stub.close();
    expect(stub.lines).toEqual(["set server web/web-1 weight 25%", "set server web/web-1 state ready"]);
  });
});

describe("parseEndpoint", () => {
  it("reads TCP and UNIX addresses and refuses others", () => {
    expect(parseEndpoint("tcp://lb-1:9999")).toEqual({ host: "lb-1", port: 9999 });
    expect(parseEndpoint("tcp://[::1]:9999")).toEqual({ host: "::1", port: 9999 });
    expect(parseEndpoint("unix:///run/haproxy.sock")).toEqual({ path: "/run/haproxy.sock" });
    for (const bad of ["", "lb-1:9999", "tcp://lb-1", "tcp://lb-1:0", "tcp://lb-1:70000", "unix://x"]) {
      expect(() => parseEndpoint(bad)).toThrow(/tcp:\/\/host:port/);
    }
  });
});
