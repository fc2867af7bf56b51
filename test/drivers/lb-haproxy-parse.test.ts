import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { MemberChange } from "../../src/core/ports/load-balancer.js";
import { faultOfAnswer } from "../../src/drivers/lb-haproxy/messages.js";
import { planCommands } from "../../src/drivers/lb-haproxy/plan-commands.js";
import { splitAnswers } from "../../src/drivers/lb-haproxy/runtime-api.js";
import { canonicalAddress, serverName } from "../../src/drivers/lb-haproxy/server-name.js";
import {
  parseServersState,
  parseSessions,
  type ServerState,
} from "../../src/drivers/lb-haproxy/server-state.js";
import { outside } from "./lb-helpers.js";

const header =
  "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight " +
  "srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state " +
  "srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl " +
  "srv_check_port srv_check_addr srv_agent_addr srv_agent_port";

/** One line as 2.6 writes it. */
function line(parts: { op?: number; admin?: number; checked?: number; checks?: number }): string {
  const { op = 2, admin = 0, checked = 6, checks = 6 } = parts;
  return `3 web 1 s 10.0.0.1 ${op} ${admin} 5 5 0 ${checked} 0 0 ${checks} 0 0 0 - 80 - 0 0 - - 0`;
}

function parseOne(text: string): ServerState | undefined {
  return parseServersState(`1\n${header}\n${text}\n\n`)[0];
}

describe("haproxy: what it tells", () => {
  test("B5.2 a server's state is read from its bits", () => {
    const ready = parseOne(line({}));
    assert.deepEqual(ready, {
      backendId: "3",
      name: "s",
      host: "10.0.0.1",
      port: 80,
      weight: 5,
      admin: "ready",
      checksEnabled: true,
      health: "healthy",
    });
    const admins = [0x01, 0x02, 0x04, 0x20, 0x40, 0x09].map((bits) => line({ admin: bits }));
    for (const text of admins) {
      assert.equal(parseOne(text)?.admin, "maint");
      assert.equal(parseOne(text)?.health, "unknown");
    }
    assert.equal(parseOne(line({ admin: 0x08 }))?.admin, "drain");
    assert.equal(parseOne(line({ admin: 0x10 }))?.admin, "drain");
  });

  test("B6.1 health is unknown until a check has ended", () => {
    assert.equal(parseOne(line({ op: 0 }))?.health, "unhealthy");
    for (const checked of [0, 1, 2])
      assert.equal(parseOne(line({ op: 0, checked }))?.health, "unknown");
    assert.equal(parseOne(line({ checks: 2 }))?.health, "unknown");
    assert.equal(parseOne(line({ admin: 0x08, op: 0 }))?.health, "unhealthy");
  });

  test("B5.2 a server by name is listed by it until it is resolved", () => {
    const text = line({}).replace("10.0.0.1", "-").replace("- 80", "db.example 80");
    assert.equal(parseOne(text)?.host, "db.example");
  });

  test("B4.8 formats never seen are unknown, not guessed", () => {
    for (const answer of [
      "",
      "2\n# x",
      "1\nbe_id",
      "1\n# be_id srv_name",
      `1\n${header}\n3 web 1 s 10.0.0.1 up`,
    ])
      assert.throws(() => parseServersState(answer), outside("unknown"));
    for (const answer of ["", "x", "# pxname,svname\nweb,a", "# svname,scur\na,many"])
      assert.throws(() => parseSessions(answer), outside("unknown"));
  });

  test("B5.3 sessions are read by column name, whatever stands further right", () => {
    const text = '# pxname,svname,qcur,scur,last_chk,\nweb,a,0,3,"odd, ""text""",\nweb,b,1,0,,\n\n';
    assert.deepEqual(
      parseSessions(text),
      new Map([
        ["a", 3],
        ["b", 0],
      ]),
    );
  });

  test("B4.8 every answer is told apart from the next", () => {
    const answers = ["", "No such backend.", "New server registered.\n", "1\n# a b\n1 2\n"];
    const text = ["", "", ...answers, ""].join("\n> ");
    assert.deepEqual(splitAnswers(text, 4), answers);
    for (let length = 0; length < text.length; length++)
      assert.throws(() => splitAnswers(text.slice(0, length), 4), outside("temporary"));
    assert.throws(() => splitAnswers(text, 3), outside("temporary"));
  });

  test("B4.8 every message has its kind", () => {
    const kinds: Readonly<Record<string, string>> = {
      "No such backend.": "notFound",
      "Can't find backend.\n": "notFound",
      "No such proxy.\n": "notFound",
      "Permission denied\n": "denied",
      "This server cannot be removed at runtime due to other configuration elements pointing to it.":
        "denied",
      "Server still has connections attached to it, cannot remove it.": "conflict",
      "Only servers in maintenance mode can be deleted.": "conflict",
      "No such server.\n": "conflict",
      "Already exists a server with the same name in backend.\n": "conflict",
      "Cannot attach server : no id left in proxy\n": "quota",
      "out of memory.\n": "temporary",
      "Backend must use a dynamic load balancing to support dynamic servers.": "badRequest",
      "Backend is using a static LB algorithm and only accepts weights '0%' and '100%'.\n":
        "badRequest",
      "Absolute weight can only be between 0 and 256 inclusive.\n": "badRequest",
      "weight of server w is not within 0 and 256 (300)..\n": "badRequest",
      "Require 'backend/server'.": "badRequest",
      "invalid port '99999'\n": "badRequest",
      "unknown keyword 'x'.\n": "badRequest",
      "character '[' is not permitted in server name 'm[x'.\n": "badRequest",
      "Health check was not configured on this server, cannot enable.\n": "badRequest",
      "cannot change health on a tracking server.\n": "badRequest",
      "This command is restricted to experimental mode only.\n": "badRequest",
      "Unknown command, but maybe one of the following ones is a better match:\n  help":
        "badRequest",
      "The moon is full.\n": "unknown",
    };
    for (const [answer, kind] of Object.entries(kinds)) {
      const fault = faultOfAnswer(answer, "add server x");
      assert.equal(fault?.kind, kind, answer);
      assert.equal(fault.message.includes("\n"), false);
    }
    for (const answer of ["", "\n", "New server registered.\n", "Server deleted.\n"])
      assert.equal(faultOfAnswer(answer, "x"), undefined);
    const busy = faultOfAnswer("Server still has connections attached to it", "del server x");
    assert.equal(busy?.retryAfterMs, 1_000);
  });
});

describe("haproxy: what it is told", () => {
  const check = { intervalMs: 2_000, rise: 2, fall: 3, port: 81 };
  const template = { backend: "web", namePrefix: "muster-", check, arguments: ["maxconn", "9"] };
  const put = { kind: "put", host: "10.0.0.1", port: 80, weight: 5, draining: false } as const;
  const path = "web/muster-10.0.0.1-80";
  const ours: ServerState = {
    backendId: "3",
    name: "muster-10.0.0.1-80",
    host: "10.0.0.1",
    port: 80,
    weight: 5,
    admin: "ready",
    checksEnabled: true,
    health: "healthy",
  };
  const plan = (change: MemberChange, ...servers: ServerState[]) =>
    planCommands([change], servers, template).flatMap(({ commands }) => commands);

  test("B6.1 a new server goes through drain, down, to ready", () => {
    const words = "weight 5 check inter 2000ms rise 2 fall 3 port 81 maxconn 9";
    assert.deepEqual(plan(put), [
      `add server ${path} 10.0.0.1:80 ${words}`,
      `set server ${path} state drain`,
      `enable health ${path}`,
      `set server ${path} health down`,
      `set server ${path} state ready`,
    ]);
  });

  test("B5.2 only what differs is said", () => {
    assert.deepEqual(plan(put, ours), []);
    assert.deepEqual(plan({ ...put, weight: 6 }, ours), [`set server ${path} weight 6`]);
    assert.deepEqual(plan({ ...put, draining: true }, ours), [`set server ${path} state drain`]);
    assert.deepEqual(plan(put, { ...ours, admin: "drain" }), [`set server ${path} state ready`]);
    assert.deepEqual(plan({ kind: "remove", host: "10.0.0.1", port: 80 }), []);
    assert.deepEqual(plan({ kind: "remove", host: "10.0.0.1", port: 80 }, ours), [
      `set server ${path} state maint`,
      `shutdown sessions server ${path}`,
      `del server ${path}`,
    ]);
  });

  test("B5.4 of several changes of one address the last holds", () => {
    const remove = { kind: "remove", host: "10.0.0.1", port: 80 } as const;
    const planned = planCommands([put, remove], [], template);
    assert.deepEqual(planned, [{ kind: "remove", path, commands: [] }]);
  });

  test("B5.2 names are one for one with addresses, and legal in haproxy", () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6());
    const address = fc.record({ host, port: fc.integer({ min: 1, max: 65_535 }) });
    fc.assert(
      fc.property(address, address, (one, other) => {
        const [first, second] = [canonicalAddress(one), canonicalAddress(other)];
        const same = first.host === second.host && first.port === second.port;
        assert.equal(serverName("m-", first) === serverName("m-", second), same);
        assert.match(serverName("m-", first), /^[A-Za-z0-9_.:-]{1,100}$/);
        assert.deepEqual(canonicalAddress(first), first);
      }),
    );
    const spelled = canonicalAddress({ host: "2001:DB8:0:0::0001", port: 80 });
    assert.equal(spelled.text, "[2001:db8::1]:80");
  });

  test("B5.4 hosts cannot smuggle commands in", () => {
    for (const host of ["", "a b", "10.0.0.1;quit", "10.0.0.1\nquit", "web.example"])
      assert.throws(() => plan({ ...put, host }), outside("badRequest"));
  });
});
