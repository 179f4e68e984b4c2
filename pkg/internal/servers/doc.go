// Package servers tests tagbump against servers that this project did not write:
// OpenSSH, gitolite, git's http-backend and Debian's docker-registry, and a Gitea
// or a zot where the environment names one.
//
// Each test runs whole command lines and looks at the exit code, the words and
// what reached the server. A server that is not installed skips its tests by name.
// The quick ones are part of make test; make servers sets SERVERS and runs all.
//
// GITEA_URL and GITEA_TOKEN name a Gitea and an administrator's token with all
// scopes; the tests make repositories of their own in it and delete them. make gitea-test
// starts one. ZOT_URL
// names a zot that takes pushes without a log-in.
package servers
