/** Limits of everything that callers send or hold open. */
export interface ServerLimits {
  /** A unary call without a deadline gets this one. */
  readonly timeoutMsDefault: number;
  /** No unary call runs longer, whatever its deadline. */
  readonly timeoutMsMax: number;
  readonly requestBytesMax: number;
  readonly responseBytesMax: number;
  /** A page of groups ends early rather than grow beyond what every gRPC client takes (4 MiB). */
  readonly pageBytesMax: number;
  readonly connectionsMax: number;
  /** Streams at once on one HTTP/2 connection. */
  readonly streamsPerConnectionMax: number;
  /** How long a new connection may take to show its protocol: TLS handshake and first bytes. */
  readonly firstBytesMsMax: number;
  readonly headersMsMax: number;
  /** How long an HTTP/1.1 client may take to send a whole request. */
  readonly requestMsMax: number;
  readonly headerBytesMax: number;
  readonly headersMax: number;
  /** How long an idle HTTP/1.1 connection is kept. */
  readonly idleMsMax: number;
  /** An HTTP/2 peer that is silent for so long is pinged… */
  readonly keepaliveMs: number;
  /** …and dropped when it does not answer. */
  readonly keepaliveTimeoutMs: number;
  /** How long a stream's reader may take nothing before the stream is ended as too slow. */
  readonly stallMsMax: number;
  readonly heartbeatMs: number;
}

export const serverLimits: ServerLimits = {
  timeoutMsDefault: 30_000,
  timeoutMsMax: 300_000,
  requestBytesMax: 4 * 1024 * 1024,
  responseBytesMax: 16 * 1024 * 1024,
  pageBytesMax: 2 * 1024 * 1024,
  connectionsMax: 10_000,
  streamsPerConnectionMax: 1_000,
  firstBytesMsMax: 10_000,
  headersMsMax: 20_000,
  requestMsMax: 60_000,
  headerBytesMax: 16 * 1024,
  headersMax: 100,
  idleMsMax: 75_000,
  keepaliveMs: 60_000,
  keepaliveTimeoutMs: 20_000,
  stallMsMax: 60_000,
  heartbeatMs: 15_000,
};
