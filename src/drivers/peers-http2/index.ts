export { createPeerClient } from "./client.js";
export { connectPeer } from "./connect.js";
export { isPeer, peerName, readIdentity } from "./identity.js";
export { openPeerListener } from "./listener.js";
