// Package gitrepo reads the few files it needs from a remote git repository, makes a
// commit that changes them and pushes it, without a clone.
//
// A [Repo] speaks git's own protocol (version 2, and 0 with older servers) over http,
// https and ssh, and reads repositories on disk directly. It starts no program and reads
// nobody's git configuration, so a url.insteadOf in ~/.gitconfig cannot send a push
// elsewhere; of OpenSSH's configuration it reads what ssh would. [Repo.Read] returns a
// [files.Tree], a file system of exactly the files that were asked for. [Repo.Push] moves
// a branch from the commit that the Tree was read at to a new one, and only if that is
// still the branch's tip.
//
// It refuses what it cannot change faithfully: SHA-256 repositories, LFS pointers,
// git-crypt files, symbolic links, submodules, and files over [MaxFileSize].
//
// Why without a clone: a clone of one commit of a repository with 20,013 files moves
// 66 MB; reading one of its files this way takes 5 requests and 64 kB. On a small
// repository it costs 4 requests, as many as the shortest clone.
//
// The trap to know: a push whose answer was lost may have landed, and the report of a
// push has one status for four different cases. So Push never trusts the answer alone. It
// reads the branch again and judges by where it is.
//
// # How it is built
//
// The face (this package) says what callers see: reading, commits, pushes, history,
// signatures. Below it are internal/wire, which talks to servers; internal/pick, which
// decides what to ask for; internal/object, which holds git's objects; and
// internal/openssh, which knows what OpenSSH would do. A commit is made by patching ids in
// the raw bytes of the trees above a changed file, so nothing else in them can change:
// decoding a tree and encoding it again would rewrite modes that git accepts (100664).
package gitrepo
