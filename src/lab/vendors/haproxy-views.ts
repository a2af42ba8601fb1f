/** What HAProxy shows, in the exact columns of 2.6.12. */
import { type Pool, type PoolServer, wholeRequests, INITIAL_WEIGHT } from "../traffic.ts";
import type { World } from "../world.ts";

const STAT_COLUMNS =
  "pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,weight,act,bck,chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,throttle,lbtot,tracked,type,rate,rate_lim,rate_max,check_status,check_code,check_duration,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,hanafail,req_rate,req_rate_max,req_tot,cli_abrt,srv_abrt,comp_in,comp_out,comp_byp,comp_rsp,lastsess,last_chk,last_agt,qtime,ctime,rtime,ttime,agent_status,agent_code,agent_duration,check_desc,agent_desc,check_rise,check_fall,check_health,agent_rise,agent_fall,agent_health,addr,cookie,mode,algo,conn_rate,conn_rate_max,conn_tot,intercepted,dcon,dses,wrew,connect,reuse,cache_lookups,cache_hits,srv_icur,src_ilim,qtime_max,ctime_max,rtime_max,ttime_max,eint,idle_conn_cur,safe_conn_cur,used_conn_cur,need_conn_est,uweight,agg_server_status,agg_server_check_status,agg_check_status,-,ssl_sess,ssl_reused_sess,ssl_failed_handshake,h2_headers_rcvd,h2_data_rcvd,h2_settings_rcvd,h2_rst_stream_rcvd,h2_goaway_rcvd,h2_detected_conn_protocol_errors,h2_detected_strm_protocol_errors,h2_rst_stream_resp,h2_goaway_resp,h2_open_connections,h2_backend_open_streams,h2_total_connections,h2_backend_total_streams,h1_open_connections,h1_open_streams,h1_total_connections,h1_total_streams,h1_bytes_in,h1_bytes_out,h1_spliced_bytes_in,h1_spliced_bytes_out,".split(
    ",",
  );
const SERVER_STATE_HEADER =
  "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port";
/** The first proxy of a configuration has id 2; backends come after the one frontend. */
const FIRST_BACKEND_ID = 3;
const PORT = 8080;

type Row = Record<string, string | number>;

/** `show stat [<id or name> <type> <sid>]`: type is a mask of 1 frontend, 2 backend, 4 server, 8 listener; -1 is all. */
export function showStat(world: World, filter: string[]): string {
  const [proxy = "-1", type = "-1", sid = "-1"] = filter;
  const mask = Number(type);
  if (proxy !== "-1" && !/^\d+$/.test(proxy) && !world.traffic.pools.has(proxy)) return "No such proxy.\n\n";
  const rows: Row[] = [];
  [...world.traffic.pools.values()].forEach((pool, index) => {
    const id = FIRST_BACKEND_ID + index;
    if (proxy !== "-1" && proxy !== pool.name && proxy !== String(id)) return;
    world.traffic.settle(pool);
    const loads = world.traffic.loads(pool);
    const servers = pool.servers.map((server, at): Row => ({
      ...serverRow(world, pool, server, id, at + 1),
      scur: loads.get(server)?.sessions ?? 0,
      rate: Math.round(loads.get(server)?.rate ?? 0),
    }));
    if (mask & 4) rows.push(...servers.filter((row) => sid === "-1" || String(row["sid"]) === sid));
    if (mask & 2) rows.push(backendRow(world, pool, servers, id));
  });
  const lines = rows.map((row) => STAT_COLUMNS.map((column) => row[column] ?? "").join(","));
  return `# ${STAT_COLUMNS.join(",")}\n${lines.map((line) => `${line}\n`).join("")}\n`;
}

/** Columns that the lab has nothing to say about, and that the real one fills with 0. */
const SERVER_ZEROES = zeroes(
  "qcur qmax dresp eresp wretr wredis bck downtime hrsp_1xx hrsp_3xx hrsp_4xx hrsp_other cli_abrt srv_abrt lastsess " +
    "qtime ctime connect reuse wrew eint srv_icur idle_conn_cur safe_conn_cur used_conn_cur qtime_max ctime_max " +
    "rtime_max ttime_max req_tot ssl_sess ssl_reused_sess ssl_failed_handshake",
);
const BACKEND_ZEROES = zeroes(
  "qcur qmax dreq dresp eresp wretr wredis bck chkdown downtime sid hrsp_1xx hrsp_3xx hrsp_4xx hrsp_other " +
    "cli_abrt srv_abrt qtime ctime rtime ttime wrew connect reuse qtime_max ctime_max rtime_max ttime_max eint",
);

function zeroes(columns: string): Row {
  return Object.fromEntries(columns.split(" ").map((column) => [column, 0]));
}

function serverRow(world: World, pool: Pool, server: PoolServer, iid: number, sid: number): Row {
  const failed = wholeRequests(server.errors.dead + server.errors.cut);
  const errors5xx = wholeRequests(server.errors.failing + server.errors.harm + server.errors.overload);
  const served = wholeRequests(server.served);
  const all = served + errors5xx + failed;
  const up = server.operational === "up";
  const check = up
    ? { check_status: "L7OK", check_code: 200, check_duration: 1, check_desc: "Layer7 check passed", check_health: 4 }
    : { check_status: "L4TOUT", check_duration: 2001, check_desc: "Layer4 timeout", check_health: 0 };
  const rateMax = Math.round(pool.requestsPerSecond * pool.capacityFactor);
  const rates = { rate_max: rateMax, rtime: 3, ttime: 8 };
  return {
    ...SERVER_ZEROES,
    ...{ pxname: pool.name, svname: server.host.id, pid: 1, iid, sid, type: 2, mode: "http", "-": "-" },
    ...{ smax: pool.sessions, stot: all, lbtot: all },
    ...{ bin: served * 350, bout: served * 4200, hrsp_2xx: served, hrsp_5xx: errors5xx, econ: failed },
    ...{ status: statusOf(server), weight: server.weight, uweight: server.weight, act: 1, need_conn_est: 1 },
    ...{ lastchg: sinceChange(world, server), addr: `${server.host.address}:${PORT}`, ...rates },
    ...{ chkfail: server.checkFailures * 3, chkdown: server.checkFailures, check_rise: 2, check_fall: 3, ...check },
  };
}

function backendRow(world: World, pool: Pool, servers: Row[], iid: number): Row {
  const sum = (column: string): number => servers.reduce((total, row) => total + Number(row[column] || 0), 0);
  const takes = ({ admin, operational, weight }: PoolServer): boolean =>
    admin === "ready" && operational === "up" && weight > 0;
  const active = pool.servers.filter(takes);
  const all = sum("stot") + wholeRequests(pool.unrouted);
  const lastchg = pool.servers.length === 0 ? 0 : Math.min(...pool.servers.map((each) => sinceChange(world, each)));
  return {
    ...BACKEND_ZEROES,
    ...{ pxname: pool.name, svname: "BACKEND", pid: 1, iid, type: 1, mode: "http", algo: "roundrobin", "-": "-" },
    ...{ scur: sum("scur"), smax: sum("smax"), slim: 999, stot: all, req_tot: all, lbtot: sum("lbtot"), lastchg },
    ...{ bin: sum("bin"), bout: sum("bout"), hrsp_2xx: sum("hrsp_2xx"), econ: sum("econ") },
    ...{ hrsp_5xx: sum("hrsp_5xx") + wholeRequests(pool.unrouted), rate: sum("rate"), rate_max: sum("rate_max") },
    ...{ status: active.length > 0 ? "UP" : "DOWN", act: active.length, uweight: active.length },
    weight: active.reduce((total, server) => total + server.weight, 0),
  };
}

/** As the real one says it: DOWN hides a drain, MAINT hides everything. */
function statusOf(server: PoolServer): string {
  if (server.admin === "maint") return "MAINT";
  if (server.operational === "down") return "DOWN";
  return server.admin === "drain" ? "DRAIN" : "UP";
}

export function showServersState(world: World, backend: string | undefined): string {
  if (backend !== undefined && !world.traffic.pools.has(backend)) return "Can't find backend.\n\n";
  const lines = [...world.traffic.pools.values()].flatMap((pool, index) =>
    backend !== undefined && pool.name !== backend
      ? []
      : pool.servers.map((server, at) => stateLine(world, pool, server, FIRST_BACKEND_ID + index, at + 1)),
  );
  return `1\n${SERVER_STATE_HEADER}\n${lines.map((line) => `${line}\n`).join("")}\n`;
}

/** srv_op_state 0 stopped, 2 running; srv_admin_state 1 forced maintenance, 8 forced drain. */
function stateLine(world: World, pool: Pool, server: PoolServer, backendId: number, serverId: number): string {
  const up = server.operational === "up";
  const maint = server.admin === "maint";
  const admin = maint ? 1 : server.admin === "drain" ? 8 : 0;
  const check = maint ? "6 3 0 14" : up ? "15 3 4 6" : "8 2 0 6";
  const since = sinceChange(world, server);
  const weights = `${server.weight} ${INITIAL_WEIGHT}`;
  const { id, address } = server.host;
  return `${backendId} ${pool.name} ${serverId} ${id} ${address} ${up && !maint ? 2 : 0} ${admin} ${weights} ${since} ${check} 0 0 0 - ${PORT} - 0 0 - - 0`;
}

export function showInfo(world: World): string {
  const uptimeS = world.wallSecondsSince(world.startedAt);
  const loads = [...world.traffic.pools.values()].flatMap((pool) => [...world.traffic.loads(pool).values()]);
  return `Name: HAProxy
Version: 2.6.12-1+deb12u4
Release_date: 2026/10/17
Nbthread: 2
Nbproc: 1
Process_num: 1
Pid: 4242
Uptime: ${Math.floor(uptimeS / 86400)}d ${Math.floor(uptimeS / 3600) % 24}h${String(Math.floor(uptimeS / 60) % 60).padStart(2, "0")}m${String(uptimeS % 60).padStart(2, "0")}s
Uptime_sec: ${uptimeS}
Maxconn: 9985
Hard_maxconn: 9985
CurrConns: ${loads.reduce((sum, { sessions }) => sum + sessions, 0)}
node: lab
Stopping: 0

`;
}

function sinceChange(world: World, server: PoolServer): number {
  return world.wallSecondsSince(server.changedAt);
}
