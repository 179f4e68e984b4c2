// Package wire talks to git servers: over http and https, over ssh, and directly to a
// repository on this machine's disk. It starts no program.
//
// A [Remote] answers four questions: where a branch is ([Remote.Refs]), what the server
// can do, the objects for a [Request], and whether it takes a push. [Retrying] repeats
// the questions, never the push, when a server is unavailable.
//
// The protocol is git's version 2, and version 0 for servers that do not know it
// (gitprotocol-v2, gitprotocol-pack and gitprotocol-http in git's documentation). What
// made us write it down again beside go-git's own implementation (v5.19, measured
// against git 2.39 and 2.55):
//
//   - go-git speaks version 0 only, which lists every branch of a repository: 1.3 MB at
//     20,000 branches. Over ssh it opens a new connection for each request, about a
//     second more for each bump at 40 ms of latency.
//   - Filters ("tree:0") are what makes reading a few files cheap, and go-git's porcelain
//     does not send them. Over http, and in version 2 everywhere, a server gives any
//     object by its id, whatever uploadpack.allowAnySHA1InWant says; only the filter may
//     be refused.
//   - A request with a commit in it must say "deepen", or the server sends all history.
//     A filter "combine:…" makes the server walk every tree, and is never sent.
//   - The GET of info/refs can be left out: the first POST assumes version 2. That saves
//     a round trip; a redirect or an old server shows by an error, and then the GET is
//     made up for. Before a push it is never needed.
//   - A server that does not know a filter or version 2 answers 200 with an empty body.
//   - The report of a push says "failed to update ref" for four different cases, so the
//     report alone is never believed; see Push in package gitrepo.
//
// The trap to know: everything that comes from a server is hostile until it is counted.
// Packets, lines, packs, inflated bytes, waiting deltas and a server's talk all have a
// limit here, and each operation ends with its context.
package wire
