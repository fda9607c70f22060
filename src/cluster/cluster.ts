/** The contract of `cluster/`: several instances of one server on this machine, and what they have in common. */

export { InstanceLink } from './instance-link.ts';
export { InstancePeers } from './instance-peers.ts';
export { BEAT_EVERY_MS, type FromInstance, type SupervisedSettings, type ToInstance } from './messages.ts';
