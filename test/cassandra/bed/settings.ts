import { join, resolve } from "node:path";
import { type Place, placeIn } from "../../bed/place.js";

/** All that the bed keeps; `MUSTER_CASSANDRA` moves it. */
export const stateDir = resolve(process.env["MUSTER_CASSANDRA"] ?? ".bed/cassandra");
/** Jars survive `down --clean`: they are the same for every run. */
export const jarsDir = resolve(process.env["MUSTER_CASSANDRA_JARS"] ?? join(stateDir, "jars"));

const firstPort = Number(process.env["MUSTER_CASSANDRA_PORT"] ?? 26_000);
export const cqlPort = firstPort;
const storagePort = firstPort + 1;

/** One server of the bed. All have the same ports, each on an address of its own. */
export interface NodeSettings extends Place {
  /** From 1 on; the last number of its address. */
  readonly number: number;
  readonly dataCenter: string;
  readonly home: string;
  readonly jmxPort: number;
}

/**
 * The nodes that `MUSTER_CASSANDRA_NODES` asks for, such as `iad=3,ams=1`; one in `iad` by default.
 *
 * @throws Error: not of that form
 */
export function layout(): readonly NodeSettings[] {
  const text = process.env["MUSTER_CASSANDRA_NODES"] ?? "iad=1";
  const dataCenters = text.split(",").flatMap((part) => {
    const [, name = "", count = ""] = /^([a-z][a-z0-9]*)=([1-9])$/.exec(part) ?? [];
    if (name === "") throw new Error(`MUSTER_CASSANDRA_NODES: ${text} is not like iad=3,ams=1`);
    return Array.from({ length: Number(count) }, () => name);
  });
  return dataCenters.map((dataCenter, index) => ({
    number: index + 1,
    ...placeIn(dataCenter, index + 1),
    dataCenter,
    home: join(stateDir, `node${index + 1}`),
    jmxPort: firstPort + 2 + index,
  }));
}

/** What goes into `cassandra.yaml`. JSON is YAML too. */
export function serverSettings(node: NodeSettings, nodes: readonly NodeSettings[]): object {
  const { address, home, number } = node;
  return {
    cluster_name: "muster-test",
    // One fixed token each: nothing is drawn, nothing has to be moved when nodes start together.
    num_tokens: 1,
    initial_token: String(BigInt(number - 1) * 2n ** 60n),
    auto_bootstrap: false,
    partitioner: "org.apache.cassandra.dht.Murmur3Partitioner",
    endpoint_snitch: "GossipingPropertyFileSnitch",
    seed_provider: [
      {
        class_name: "org.apache.cassandra.locator.SimpleSeedProvider",
        parameters: [{ seeds: nodes.map((one) => one.address).join(",") }],
      },
    ],
    listen_address: address,
    rpc_address: address,
    storage_port: storagePort,
    native_transport_port: cqlPort,
    data_file_directories: [join(home, "data")],
    commitlog_directory: join(home, "commitlog"),
    hints_directory: join(home, "hints"),
    saved_caches_directory: join(home, "caches"),
    cdc_raw_directory: join(home, "cdc"),
    commitlog_sync: "periodic",
    commitlog_sync_period: "1000ms",
    // The default: half of it is the largest write, and a commit may have 8 MiB.
    commitlog_segment_size: "32MiB",
    commitlog_total_space: "256MiB",
    // Generous: on a loaded machine slow is not broken.
    read_request_timeout: "10s",
    range_request_timeout: "10s",
    write_request_timeout: "10s",
    cas_contention_timeout: "5s",
    request_timeout: "10s",
    // What was sent into a cut is not waited for any longer once the way is mended.
    internode_tcp_user_timeout: "6s",
    disk_failure_policy: "stop",
    commit_failure_policy: "stop",
    hinted_handoff_enabled: true,
    hints_flush_period: "500ms",
    // Together with the failure detector's interval below: a silent node is down after 6 s.
    phi_convict_threshold: 5,
    memtable_heap_space: "96MiB",
    memtable_offheap_space: "64MiB",
    concurrent_compactors: 1,
    auto_snapshot: false,
  };
}

export const java = { from: 17, to: 17, variable: "MUSTER_CASSANDRA_JAVA_HOME" } as const;

/** For a small server that starts soon. A JDK 17 needs the openings of its modules. */
export function javaFlags({ home, jmxPort }: NodeSettings): readonly string[] {
  const conf = join(home, "conf");
  return [
    ...moduleFlags,
    "-ea",
    "-Xss512k",
    "-Xms128m",
    "-Xmx768m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:MaxDirectMemorySize=256m",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.net.preferIPv4Stack=true",
    "-Dio.netty.tryReflectionSetAccessible=true",
    `-Djava.io.tmpdir=${home}`,
    `-Dcassandra.storagedir=${home}`,
    `-Dcassandra.logdir=${home}`,
    `-Dcassandra.config=file://${conf}/cassandra.yaml`,
    `-Dcassandra-rackdc.properties=file://${conf}/rackdc.properties`,
    `-Dlogback.configurationFile=${conf}/logback.xml`,
    `-Dcassandra.jmx.local.port=${jmxPort}`,
    "-Dcassandra-foreground=yes",
    "-Dcassandra.superuser_setup_delay_ms=0",
    // Nobody has anything to stream, so nobody has to wait for the ring to settle.
    "-Dcassandra.skip_wait_for_gossip_to_settle=0",
    "-Dcassandra.ring_delay_ms=1000",
    // By default half of the ring delay: nodes that start together would evict each other.
    "-Dcassandra.gossip_quarantine_delay_ms=120000",
    "-Dcassandra.fd_initial_value_ms=500",
    "-Dcassandra.fd_max_interval_ms=500",
  ];
}

const opened = [
  "java.base/java.io",
  "java.base/java.lang",
  "java.base/java.lang.module",
  "java.base/java.lang.reflect",
  "java.base/java.nio",
  "java.base/java.util",
  "java.base/java.util.concurrent",
  "java.base/java.util.concurrent.atomic",
  "java.base/jdk.internal.loader",
  "java.base/jdk.internal.math",
  "java.base/jdk.internal.module",
  "java.base/jdk.internal.ref",
  "java.base/jdk.internal.reflect",
  "java.base/jdk.internal.util.jar",
  "java.base/sun.nio.ch",
  "java.rmi/sun.rmi.transport.tcp",
  "jdk.compiler/com.sun.tools.javac",
  "jdk.management/com.sun.management.internal",
];

const exported = [
  "java.base/java.lang.ref",
  "java.base/jdk.internal.misc",
  "java.management.rmi/com.sun.jmx.remote.internal.rmi",
  "java.rmi/sun.rmi.registry",
  "java.sql/java.sql",
  "jdk.attach/sun.tools.attach",
  "jdk.compiler/com.sun.tools.javac.file",
  "jdk.unsupported/sun.misc",
];

/** Also what `nodetool` needs. */
export const moduleFlags: readonly string[] = [
  "-Djdk.attach.allowAttachSelf=true",
  ...exported.flatMap((one) => ["--add-exports", `${one}=ALL-UNNAMED`]),
  ...opened.flatMap((one) => ["--add-opens", `${one}=ALL-UNNAMED`]),
];
