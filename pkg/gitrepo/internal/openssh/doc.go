// Package openssh finds out what OpenSSH's client would use to reach a host: the address
// and the user that ~/.ssh/config gives it, the keys to offer, and the host keys to
// trust. It reads files and asks the agent; it starts no program and connects to no
// other host.
//
// [Lookup] reads the configuration, [Keys] collects keys in the order in which ssh
// offers them, [ReadKnownHosts] reads known_hosts files. A file or a line that cannot be
// used is left out, as ssh leaves it out, and noted for people.
//
// The trap to know: a server allows about six keys for each connection, and counts each
// that it does not know. Keys that the configuration names for the host come first for
// that reason.
package openssh
