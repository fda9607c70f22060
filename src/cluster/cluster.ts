/** The contract of `cluster/`: several instances of one server on this machine, and what they have in common. */

export { InstanceLink } from './instance-link.ts';
export { InstancePeers } from './instance-peers.ts';
export type { InstanceExit, InstanceListener, LaunchedInstance, Launcher, Program } from './launcher.ts';
export { BEAT_EVERY_MS, type FromInstance, type SupervisedSettings, type ToInstance } from './messages.ts';
export { instanceBounds, type SupervisorOptions } from './options.ts';
export { type InstanceView, type SupervisedServer, Supervisor } from './supervisor.ts';
