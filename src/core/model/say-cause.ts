import type { Cause, CauseCode } from "./cause.js";
import { sayDuration } from "./say-duration.js";

/**
 * One sentence per code. `{name}` is a fact, rendered by its unit (`…Ms`, `…AtMs`);
 * `{name|one|many}` counts things; a part in brackets is left out unless all its facts are there.
 * Every fact stands in brackets, since rows written by other versions may lack it; facts not named
 * here are added behind.
 */
const sentences: Readonly<Record<CauseCode, string>> = {
  APPLIED:
    "the target changes[ from {oldTarget} to {newTarget}][, as asked: {asked}]" +
    "[; other colos' parts are as seen {othersSeenBeforeMs} ago]",
  CONDITION: "a condition turned[: {condition}][, holds: {holds}]",
  CLAMPED_TO_MAX:
    "the maximum is reached[: {wanted|server was|servers were} wanted][, {max} may be]" +
    "[, so the target is {target}]",
  CLAMPED_TO_MIN:
    "the minimum is reached[: {wanted|server was|servers were} wanted][, {min} must be]" +
    "[, so the target is {target}]",
  ALREADY_THERE: "the target is what was asked for already[: {target}]",
  COOLDOWN_POLICY:
    "the policy's cooldown[ of {cooldownMs}] is not over[; it passes in {retryInMs}]",
  COOLDOWN_GROUP: "the group's cooldown[ of {cooldownMs}] is not over[; it passes in {retryInMs}]",
  DEBOUNCED:
    "the event repeats one that has just acted[, {mergedInto},] and merges into it" +
    "[; its window of {windowMs} ends in {endsInMs}]",
  PAUSED: "the group has been paused[ for {pausedForMs}][ by {principal}][: {reason}]",
  PROCESS_PAUSED:
    "the process[ {process}] is paused[ since {sinceAtMs}][ by {principal}][: {reason}]" +
    "[; {waiting|server waits|servers wait}]" +
    "[; what was due runs once after that, if no later than {graceMs}]",
  DELETING: "the group is being deleted and takes no more orders",
  POLICY_GONE: "the policy[ {policy}] does not exist any more",
  HOLDING:
    "the alert['s {state}] stands, but must hold[ for {holdMs}] first[; it acts in {retryInMs}]",
  ALERT_STATE:
    "the policy's alerts together are not in a state that it acts on" +
    "[: they are {state}][, it acts on {actsOn}]",
  ALERT_NOT_ENTERED:
    "the alert['s {state}] is not new[: it stands for {standsForMs}]" +
    "[, and the policy acted on it {actedBeforeMs} ago]",
  DATA_MISSING: "no alert key of the policy has a known state, and missing data never scales",
  VALUE_MISSING:
    "no alert key of the policy has a measured value[ of {metric}], and missing data never scales",
  NO_STEP: "the value[ of {value}] is not beyond the threshold[ of {threshold}], where steps begin",
  STEP: "the value is[ {value},][ with a threshold of {threshold}][ in the step {step} from there]",
  WITHIN_TOLERANCE:
    "the metric[ {metric}] is near enough to its target[: {value}][ for {targetValue}]" +
    "[, and may be off by a part of {tolerance}]",
  MEASURED:
    "the metric[ {metric}] is[ {value}][ and should be {targetValue}]" +
    "[, for which it takes {wanted|server|servers}]",
  OTHER_WANTS_MORE:
    "of policies that ask at the same time the highest counts" +
    "[: the policy {policy} wants {otherWanted}][, not {wanted}]",
  OTHER_SILENT:
    "[the policy {policy} has no data now, and ]missing data never scales in" +
    "[: {otherWanted} stay][, not {wanted}]",
  STABILISING:
    "scaling in goes no lower than the highest recommendation[ of the last {windowMs}]" +
    "[: {highest|server|servers}][, {agoMs} ago]",
  STABILISING_FIRST:
    "scaling in takes[ {windowMs} of] data without a gap[, and there are but {dataForMs}]",
  FLAP_FORECAST:
    "with[ {wanted}] fewer servers the value of the policy[ {policy}] would cross its threshold" +
    "[ of {threshold}][: it is {value} now][, and would be about {estimate}]" +
    "[; {fewest|server is|servers are} needed for it]",
  SCALE_IN_LIMIT:
    "scaling in is limited[ to {most|server|servers}][ within {withinMs}][, and took {taken} so far]",
  DEMAND_ANOMALY:
    "demand has fallen in a way that looks like a fault of the monitors" +
    "[: from {before|server|servers}][ to {now}][: for {groups} groups][ of {ofGroups} at once]" +
    "[; scaling in waits until {untilMs}]",
  DEMAND_UNANSWERED:
    "[{unanswered|server|servers} of ]what was asked for before must be in service" +
    " or given up first",
  REPEATS_EXHAUSTED:
    "the policy has circled back as often as it may[: {repeats} of {repeatsMax} times]",
  FORCED: "cooldowns and limits were passed by force[ for {lastsMs}][: {reason}]",
  PLACEMENT_UNDELIVERED:
    "a colo could not be told its new target[: {colo}][, {target}];" +
    " it is told as soon as it can be reached",
  LIMITS_MOVED_TARGET:
    "the limits[ {min}][ to {max}] move the target[ from {oldTarget} to {newTarget}]",
  WINDOW_LIMITS:
    "a schedule's window[ of {schedules}] limits the target for now[: from {min}][ to {max}]",
  SCHEDULE_MISSED:
    "the schedule[ {schedule}] was due[ at {dueAtMs}], longer ago than it may be late[: {graceMs}]," +
    " so it was not run",
  RAISE_WAITS:
    "waits for[ {colos}] to lower its max before the one here is raised[ from {max}][ to {wanted}]",
  SHARE_TAKEN:
    "[colo {colo} ]cannot be reached or starts no servers, and[ {servers|server|servers}] of its" +
    " share are carried here from now on[, before it were {before}]",
  SHARE_GIVEN_BACK:
    "[colo {colo} ]sees to its share again, and[ {servers|server|servers}] of it are still carried" +
    " here[, before it were {before}]",
  SHARE_CARRIED:
    "[{servers|server|servers} ]of the share of[ colo {colo}] are carried here[ since {sinceAtMs}]," +
    " until it sees to them again",
  SHORTAGE:
    "servers are missing[: {have} are there or on their way][: {inService} are in service]" +
    "[, {pending} are on their way][, {target} are wanted]",
  SURPLUS: "there are more servers than wanted[: {have} are there][, {target} are wanted]",
  BUILDING:
    "the cloud is still building[ {count|server|servers}][, since {sinceAtMs}]" +
    "[; a build is given up at {givenUpAtMs}]",
  BUILD_ERROR: "the cloud could not build the server[ {server}][: {fault}]",
  BUILD_TIMEOUT: "the server[ {server}] was not built in time[: {buildTimeoutMs}]",
  CLOUD_ERROR: "the cloud reports the server[ {server}] in ERROR[: {fault}]",
  CLOUD_GONE: "the server[ {server}] is gone from the cloud",
  STOPPED: "the server[ {server}] is stopped[ for {stoppedForMs}][; the grace is {graceMs}]",
  STATUS_UNHEARD_OF:
    "the cloud reports a status never heard of[: {status}]; the server is left alone",
  WAIT_EXPIRED:
    "the server[ {server}] has waited[ in {status}] for longer than it may[: {boundMs}]",
  BACKOFF:
    "[{failures|build|builds} failed in a row; ]new servers are tried again later" +
    "[, in {retryInMs}][, at {retryAtMs}][: {fault}]",
  QUOTA: "the account's quota in the cloud is used up[: {fault}]",
  NO_CAPACITY:
    "the cloud has no room for more such servers[, of flavor {flavor}][ in zone {zone}]" +
    "[; tried were {tried}][; the next try is in {retryInMs}][, at {retryAtMs}][: {fault}]",
  LISTING_PARTIAL:
    "the cloud's list of servers is not complete[: {fault}], so nothing is planned from it",
  LISTING_SUSPECT:
    "the cloud's list of servers lacks too many at once[: {lost}][ of {known}];" +
    " each is looked up before anything is replaced",
  BRAKED: "an operator's brake stops calls[ of class {operation}] to this colo[: {reason}]",
  CLOUD_BUSY:
    "calls to the outside[, {api},] are held back until it answers well again" +
    "[: only one probe at a time since {stoppedAtMs}][: about {inFlight|call|calls} at once]" +
    "[, {perSecond} a second][; it said: {fault}]",
  ANSWER_LOST:
    "the cloud's answer[ to {operation}] was lost; it is looked up, never blindly repeated" +
    "[: {fault}]",
  ABANDONED: "the server[ {server}] was never found in the cloud and is given up",
  LATE_SURPLUS: "the server[ {server}] showed up after it had been given up, and is surplus",
  FOREIGN:
    "servers that are tagged as ours but in no ledger[: {server}][, {count} in all]" +
    " wait for a person",
  PROTECTED: "the server[ {server}] is protected from scaling in",
  STANDING_BY:
    "[{principal} has it stand by: ]the server[ {server}] takes no traffic and counts for nothing" +
    "[; another takes its place: {replace}]",
  LOAD_BALANCER_GONE: "the load balancer[ {loadBalancer}] is gone; servers stay without it",
  LOAD_BALANCER_REFUSED:
    "the load balancer[ {loadBalancer}] refuses to change its members[: {fault}]",
  ADDRESS_UNKNOWN: "the address of the server[ {server}] is not known yet",
  REQUESTED: "a person or program asked for it[: {principal}][, {reason}]",
  WITHDRAWN: "the intention was taken back before its call was made[: {why}]",
  LAUNCH_WAITS:
    "the server[ {server}] is not yet in service[: the load balancer {loadBalancer} has it {health}]",
  REBUILT:
    "the server is of launch revision[ {revision}] and makes way[ for {newRevision}]" +
    "[, in batch {batch} of the rebuild]",
  REBUILD_BATCH:
    "servers are replaced by such of launch revision[ {revision}]" +
    "[: batch {batch}][, until {goal} of them serve][; {serving}][ of {target} do]",
  REBUILD_BACK:
    "servers of launch revision[ {revision}] are taken back" +
    "[: batch {batch}][, until {goal} others serve][; {serving}][ of {target} do]",
  REBUILD_RESTS: "the rebuild rests between two batches[ until {restUntilMs}]",
  REBUILD_CHECKPOINT:
    "the rebuild waits at a checkpoint[ of {percent} %][ until {waitUntilMs}]" +
    "[; a person has to continue it: {forPerson}]",
  REBUILD_HELD: "the rebuild takes no server out for now[, because of {because}]",
  REBUILD_QUEUED:
    "the rebuild[ to launch revision {revision}] waits for the group's colos before this",
  REBUILD_FAILED:
    "the rebuild to launch revision[ {revision}] was stopped" +
    "[: {failures|new server|new servers} failed][, the last one: {fault}]",
  REBUILD_DONE:
    "the rebuild[ to launch revision {revision}] is done[ after {batches|batch|batches}]",
  REBUILD_ENDED: "the rebuild did not come to its end[ in {colo}], which comes first",
  REBUILD_PROTECTED:
    "[{count|server is|servers are} ]protected from the rebuild and left as they are",
  REVISION_UNPROVEN:
    "launch revision[ {newest}] has yet to prove itself in a rebuild;" +
    " meanwhile new servers are of[ {inUse},] the last one that has",
  UNHEALTHY_BRAKE:
    "too many servers are suspected at once[: {suspected}][ of {known}][, {most} may be];" +
    " none of them is replaced until a person acknowledges it",
  COLO_UNHEALTHY:
    "too many servers of this colo are suspected at once[: {suspected}][ of {known}]" +
    "[, {mine} of them here], in more than one account;" +
    " none of them is replaced until a person acknowledges it",
  ACCOUNT_MISSING:
    "the cloud denies every server of the account at once[, {missing|server|servers} of this group];" +
    " that says more of the credentials than of the servers," +
    " so nothing is done until they come back or a person acknowledges it",
  LOSSES_RAMPED:
    "[{lost} ]servers[ of {known}] are lost for certain;" +
    " they are replaced step by step[, {aMinute} a minute]",
  SUSPECTED: "the server[ {server}] is suspected to be ill[: {because}]",
  HOST_DOWN: "the host of the server[ {server}] is down",
  INVARIANT: "[{promise}, but ]invariant[ {invariant}] is broken[: server {server}]",
  CREDENTIALS_DENIED:
    "the cloud refuses the account's credentials[: {fault}]; the account's work stands still here",
  CREDENTIALS_OTHER_PROJECT:
    "the account's credentials answer for another project[, {answered}][, not for {pinned}];" +
    " the account's work stands still here",
  RELEASE_AGED:
    "the server[ {server}][, {cloudId} in the cloud,] cannot be released[ since {releasingAtMs}]:" +
    " its tags are not taken away",
  DELETE_AGED: "the cloud has not confirmed the deletion[ of {server}][ for {ageMs}]",
  DELETES_FIRST:
    "[{waiting|server|servers} ]wait until the cloud was asked to delete" +
    "[ {leaving|server that leaves|servers that leave}]: with them there would be more" +
    "[ than {max}][; no longer than until {untilMs}]",
  QUARANTINE:
    "nothing is scaled in or deleted until the ledger is proven right[: {reason}]" +
    "[; since {sinceAtMs}][; a person has to confirm it: {confirm}]",
  TAGS_LOST: "the server[ {server}][, {cloudId} in the cloud,] does not carry its tags",
  TAGS_FOREIGN:
    "the server[ {server}][, {cloudId} in the cloud,] does not carry our tags" +
    "[: installation {installation}, group {group}]; a person has to see to it",
  NOT_LISTED: "the cloud's list lacks the server[ {server}][, {cloudId} in the cloud]",
  LEFT_ALONE:
    "somebody put the server[ {server}] aside in the cloud[: {status}]; it is left alone, and counts",
  MEMBER_MISSING:
    "the server[ {server}] is not a member of the load balancer[ {loadBalancer}][ at {address}]",
  MEMBER_LEFT_OVER:
    "the server[ {server}] is still a member of the load balancer[ {loadBalancer}][ at {address}]",
  MEMBER_WRONG:
    "the server[ {server}] is a member of the load balancer[ {loadBalancer}][ at {address}]" +
    " in another way than it should be[: weight {has}][, not {weight}][, draining: {draining}]",
  NOT_CHECKED: "[{what} ]could not be checked[: {fault}][ ({kind})]",
  COLO_UNKNOWN: "there is no colo[ {colo}] here",
  LAUNCH_INVALID: "every such server would be refused[ in {colo}][: {problem}]",
  QUOTA_SHORT:
    "the account's quota leaves room for [{room} more ]servers" +
    "[, by {resource}][: {used} of {limit} are used][; {servers} are there][, {max} may be wanted]" +
    "[ and {surge} of surge]",
  NO_LOAD_BALANCERS: "the colo[ {colo}] has no load balancers",
  LOAD_BALANCER_UNREADABLE: "the load balancer[ {loadBalancer}] cannot be read[: {fault}]",
  PORT_UNKNOWN: "the cloud[ of {colo}] reports no ports of its servers, so one must be named",
  HEALTH_UNKNOWN: "the load balancers[ of {colo}] check no health, so nothing follows from it",
};

/** Free text from outside, such as a cloud's fault, is cut there. */
const textMax = 300;
const factsMax = 20;

/** One clear sentence for people. Total: unknown codes and facts are told as they stand. */
export function sayCause(cause: Cause): string {
  const known = Object.hasOwn(sentences, cause.code) ? sentences[cause.code] : undefined;
  const told = new Set<string>();
  const main = fill(known ?? plain(cause.code), cause.facts, told);
  const rest = Object.keys(cause.facts)
    .filter((name) => !told.has(name))
    .slice(0, factsMax)
    .map((name) => `${plain(nameOf(name))} ${sayFact(name, cause.facts[name])}`);
  const sentence = `${main}${rest.length === 0 ? "" : ` (${rest.join(", ")})`}`.trim();
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`;
}

type Facts = Cause["facts"];

function fill(sentence: string, facts: Facts, told: Set<string>): string {
  return sentence.replaceAll(/\[([^\]]*)\]/g, (_, part: string) => {
    const names = [...part.matchAll(/\{(\w+)/g)].map((match) => match[1]!);
    if (!names.every((name) => Object.hasOwn(facts, name))) return "";
    for (const name of names) told.add(name);
    return part.replaceAll(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (...match) => {
      const [, name, one, many] = match as unknown as (string | undefined)[];
      const said = sayFact(name!, facts[name!]);
      return one === undefined ? said : `${said} ${said === "1" ? one : many}`;
    });
  });
}

/** The latest instant that a Date can hold. */
const instantMsMax = 8.64e15;

function sayFact(name: string, value: Facts[string] | undefined): string {
  if (typeof value === "number") {
    if (/(At|[uU]ntil)Ms$/.test(name) && Math.abs(value) <= instantMsMax)
      return new Date(value).toISOString();
    if (/Ms$/.test(name)) return sayDuration(value);
  }
  const text = String(value).replaceAll(/\s+/g, " ").trim();
  return text.length > textMax ? `${text.slice(0, textMax)}…` : text.replace(/\.$/, "");
}

/** `retryInMs` is told as "retry in": the value carries the unit. */
function nameOf(name: string): string {
  return name.replace(/Ms$/, "");
}

function plain(name: string): string {
  return name
    .replaceAll(/([a-z])([A-Z])/g, "$1 $2")
    .replaceAll("_", " ")
    .toLowerCase();
}
