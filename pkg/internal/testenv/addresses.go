package testenv

import (
	"os"
	"path/filepath"
	"strings"
)

// An Address is a line of giturl's table of repository addresses, which the tests of
// all its callers read: an address must mean the same to each of them.
type Address struct {
	Raw     string
	Shown   string // for people; "" when Problem is set
	Problem string // why it is refused
	Parts   string // "SCHEME HOST:PORT PATH", "-" for no host
	GitHub  string // "owner/name", or "" where GitHub has no such repository

	Credentials bool   // it holds a secret
	Forge       string // "github", "gitlab" or ""
	Clear       bool   // a token would travel without encryption
}

// moduleRoot returns the folder of go.mod, seen from a package's test: a test is
// started in its package's folder. A binary that was built with -trimpath does not
// know where its sources are.
func moduleRoot() string {
	dir := "."
	for range 10 {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		dir = filepath.Join(dir, "..")
	}
	return dir
}

// Addresses reads the table.
func Addresses(t TB) []Address {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(moduleRoot(), "pkg", "giturl", "testdata", "addresses.txt"))
	if err != nil {
		t.Fatalf("addresses: %v", err)
	}
	var all []Address
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, parseAddress(t, line))
		}
	}
	return all
}

func parseAddress(t TB, line string) Address {
	t.Helper()
	fields := strings.Split(line, "|")
	for i, field := range fields {
		if fields[i] = strings.TrimSpace(field); fields[i] == "-" {
			fields[i] = ""
		}
	}
	if len(fields) == 2 && strings.HasPrefix(fields[1], "! ") {
		return Address{Raw: fields[0], Problem: fields[1][2:]}
	}
	if len(fields) != 7 {
		t.Fatalf("addresses: %d fields, want 2 or 7: %s", len(fields), line)
	}
	return Address{
		Raw: fields[0], Shown: fields[1], Parts: fields[2], GitHub: fields[3],
		Credentials: fields[4] == "credentials", Forge: fields[5], Clear: fields[6] == "clear",
	}
}
