// Package testenv has the servers that tests and the demo run against: a
// registry, a git server and a forge, each in this process and on loopback.
//
// They are the real protocols with small stores, so that a test is about what the
// other side would see, and each counts what it is asked and can be told to
// misbehave. They refuse to listen anywhere but on the addresses that they are given.
// One trap: go-containerregistry's own test registry cuts a list of tags at "n" and
// names no next page, which hides a client that reads only the first; the one here
// pages as registries do.
package testenv
