import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { OutsideFaultKind } from "../../../src/core/errors/outside-fault.js";
import { classify, type RefusedAnswer } from "../../../src/drivers/openstack/classify.js";

const nowMs = Date.UTC(2026, 0, 1);

/** An answer as the service gives it: JSON where it is an object, and a page else. */
function answer(
  service: RefusedAnswer["service"],
  method: RefusedAnswer["method"],
  status: number,
  body: unknown,
  headers: RefusedAnswer["headers"] = {},
): RefusedAnswer {
  const isPage = typeof body === "string";
  const text = isPage ? body : JSON.stringify(body);
  return { service, method, status, headers, text, body: isPage ? undefined : body };
}

const nova = (key: string, code: number, message: string) => ({ [key]: { code, message } });
const keystone = (code: number, message: string) => ({ error: { code, message, title: "x" } });
const neutron = (type: string, message: string) => ({
  NeutronError: { type, message, detail: "" },
});
const octavia = (faultstring: string) => ({ faultcode: "Client", faultstring, debuginfo: null });
const page = (says: string) =>
  `<html><head><title>x</title></head><body><h1>404 Not Found</h1>${says}<br /></body></html>`;

/** What the real services answer, word for word where it counts, and what it means. */
const table: readonly (readonly [RefusedAnswer, OutsideFaultKind])[] = [
  [answer("compute", "POST", 429, nova("tooManyRequests", 429, "slow down")), "throttled"],
  [answer("compute", "POST", 413, nova("overLimit", 413, "limited")), "throttled"],
  [answer("compute", "POST", 413, "Request Entity Too Large", { "retry-after": "3" }), "throttled"],
  [answer("load-balancer", "POST", 413, octavia("over")), "quota"],
  [
    answer("compute", "POST", 500, nova("computeFault", 500, "No valid host was found.")),
    "noCapacity",
  ],
  [
    answer(
      "compute",
      "POST",
      403,
      nova(
        "forbidden",
        403,
        "Quota exceeded for instances: Requested 1, but already used 10 of 10 instances",
      ),
    ),
    "quota",
  ],
  [
    answer("compute", "POST", 403, nova("forbidden", 403, "Maximum number of ports exceeded")),
    "quota",
  ],
  [
    answer("network", "POST", 409, neutron("OverQuota", "Quota exceeded for resources: ['port'].")),
    "quota",
  ],
  [
    answer("load-balancer", "POST", 403, octavia("Quota has been met for resources: member")),
    "quota",
  ],
  [
    answer(
      "identity",
      "POST",
      401,
      keystone(401, "The request you have made requires authentication."),
    ),
    "denied",
  ],
  [
    answer("identity", "POST", 404, keystone(404, "Could not find Application Credential: 65.")),
    "denied",
  ],
  [
    answer(
      "identity",
      "POST",
      404,
      keystone(404, "The requested URL was not found on the server."),
    ),
    "notFound",
  ],
  [answer("identity", "POST", 404, page("Not Found")), "unknown"],
  [answer("identity", "POST", 403, keystone(403, "You are not authorized.")), "denied"],
  [
    answer(
      "compute",
      "GET",
      401,
      keystone(401, "The request you have made requires authentication."),
    ),
    "denied",
  ],
  [
    answer(
      "compute",
      "POST",
      403,
      nova(
        "forbidden",
        403,
        "Policy doesn't allow os_compute_api:servers:create:forced_host to be performed.",
      ),
    ),
    "badRequest",
  ],
  [
    answer(
      "compute",
      "POST",
      403,
      nova("forbidden", 403, "Policy doesn't allow os_compute_api:servers:create to be performed."),
    ),
    "denied",
  ],
  [
    answer(
      "load-balancer",
      "GET",
      403,
      octavia("Policy does not allow this request to be performed."),
    ),
    "denied",
  ],
  [
    answer("network", "GET", 403, neutron("PolicyNotAuthorized", "rule:x is disallowed by policy")),
    "denied",
  ],
  [
    answer(
      "compute",
      "POST",
      403,
      nova("forbidden", 403, "It is not allowed to create an interface on external network x"),
    ),
    "badRequest",
  ],
  [
    answer("compute", "GET", 404, nova("itemNotFound", 404, "Instance x could not be found.")),
    "notFound",
  ],
  [answer("compute", "GET", 404, page("The resource could not be found.")), "unknown"],
  [answer("compute", "GET", 404, ""), "unknown"],
  [
    answer("network", "GET", 404, neutron("NetworkNotFound", "Network x could not be found.")),
    "notFound",
  ],
  [
    answer("network", "GET", 404, neutron("HTTPNotFound", "The resource could not be found.")),
    "unknown",
  ],
  [answer("load-balancer", "GET", 404, octavia("Pool nope not found.")), "notFound"],
  [answer("image", "GET", 404, page("No image found with ID nope")), "notFound"],
  [answer("image", "GET", 404, page("The resource could not be found.")), "unknown"],
  [
    answer(
      "compute",
      "POST",
      409,
      nova(
        "conflictingRequest",
        409,
        "Multiple possible networks found, use a Network ID to be more specific.",
      ),
    ),
    "badRequest",
  ],
  [
    answer("compute", "DELETE", 409, nova("conflictingRequest", 409, "Instance x is locked")),
    "conflict",
  ],
  [
    answer(
      "load-balancer",
      "PUT",
      409,
      octavia("Load Balancer x is immutable and cannot be updated."),
    ),
    "conflict",
  ],
  [
    answer("compute", "POST", 400, nova("badRequest", 400, "Can not find requested image")),
    "badRequest",
  ],
  [
    answer(
      "compute",
      "GET",
      406,
      nova("computeFault", 406, "Version 2.999 is not supported by the API."),
    ),
    "badRequest",
  ],
  [answer("compute", "POST", 415, "Unsupported Media Type"), "badRequest"],
  [answer("compute", "POST", 408, ""), "temporary"],
  [
    answer(
      "compute",
      "POST",
      500,
      nova(
        "computeFault",
        500,
        "Unexpected API Error. <class 'oslo_messaging.exceptions.MessagingTimeout'>",
      ),
    ),
    "temporary",
  ],
  [answer("compute", "GET", 502, page("Bad Gateway")), "temporary"],
  [answer("compute", "GET", 503, "The server is currently unavailable."), "temporary"],
  [answer("compute", "GET", 504, ""), "temporary"],
  [answer("compute", "GET", 300, { choices: [] }), "unknown"],
  [answer("compute", "GET", 418, "short and stout"), "unknown"],
  [answer("compute", "POST", 501, ""), "unknown"],
];

test("B4.8 every refusal that the services are known to give means one thing", () => {
  const seen = table.map(([one]) => classify(one, nowMs).kind);
  const rows = table.map(([{ service, status, text }, kind], index) => ({
    ...{ service, status, text, kind, is: seen[index] },
  }));
  assert.deepEqual(
    rows.filter(({ kind, is }) => kind !== is),
    [],
  );
});

test("B4.5 a change may have happened after 5xx, 408 and strange answers, and a look never did", () => {
  const statuses = [200, 204, 300, 307, 400, 401, 403, 404, 408, 409, 413, 429, 500, 502, 503, 504];
  const ambiguous = (method: RefusedAnswer["method"]) =>
    statuses.filter((status) => classify(answer("compute", method, status, ""), nowMs).ambiguous);
  for (const method of ["POST", "PUT", "DELETE"] as const)
    assert.deepEqual(ambiguous(method), [200, 204, 408, 500, 502, 503, 504]);
  assert.deepEqual(ambiguous("GET"), []);
});

test("B9.4 Retry-After is seconds or an instant, and nobody puts us off for more than an hour", () => {
  const after = (text: string) =>
    classify(answer("compute", "GET", 429, "", { "retry-after": text }), nowMs).retryAfterMs;
  assert.equal(after("7"), 7_000);
  assert.equal(after("Thu, 01 Jan 2026 00:00:30 GMT"), 30_000);
  assert.equal(after("Wed, 31 Dec 2025 00:00:30 GMT"), 0);
  assert.equal(after("86400"), 3_600_000);
  assert.equal(after("soon"), undefined);
});

test("B4.8 a fault says what the service said, in bounds, with the request's id", () => {
  const requestId = "req-1";
  const told = classify(
    { ...answer("compute", "POST", 400, nova("badRequest", 400, "a\n  b")), requestId },
    nowMs,
  );
  assert.equal(told.message, "compute answers 400: a b");
  assert.equal(told.requestId, requestId);
  const long = answer("compute", "POST", 400, nova("badRequest", 400, "x".repeat(10_000)));
  assert.ok(classify(long, nowMs).message.length < 600);
  assert.match(classify(answer("compute", "GET", 503, ""), nowMs).message, /no reason given/);
});

test("B4.8 whatever answers, a refusal is classified, and only a service's own 404 is absence", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 100, max: 599 }),
      fc.oneof(
        fc.string(),
        fc.json().map((text) => JSON.parse(text) as unknown),
      ),
      (status, body) => {
        const { kind } = classify(answer("compute", "GET", status, body), nowMs);
        if (kind === "notFound") assert.equal(status, 404);
        if (typeof body === "string") assert.notEqual(kind, "notFound");
      },
    ),
  );
});
