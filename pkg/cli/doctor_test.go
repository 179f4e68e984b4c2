package cli

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
	"github.com/tagbump/tagbump/pkg/redact"
)

// Over ssh, doctor says who vouches for the server's key, and which key the server takes.
func TestDoctorOverSSH(t *testing.T) {
	s, other := testenv.StartSSHStub(t), testenv.StartSSHStub(t)
	s.Say("", "ERROR: Repository not found.\n")
	_, port, _ := net.SplitHostPort(s.Addr)
	known := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(known, []byte("[127.0.0.1]:"+port+" "+s.HostKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "known_hosts")
	for _, test := range []struct {
		name       string
		key, known string
		code       int
		want       []string
	}{
		{"all is well with the keys", s.Key, known, 5, []string{
			"ok       ssh host key: " + s.Addr + ": ssh-ed25519 SHA256:", ", known by " + known,
			"ok       ssh key: " + s.Addr + " lets \"git\" in (credential: the key " + s.Key + ")\n",
			"failed   git read: ssh://git@" + s.Addr + "/acme/charts.git", "(credential: the key " + s.Key + ")",
			"skipped  git push: the repository cannot be read",
		}},
		{"a server that is not known", s.Key, empty, 6, []string{
			"failed   ssh host key: " + s.Addr + ": ", "the server's host key is not in " + empty,
			"         hint: add it once you have checked it: ssh-keyscan -p " + port + " 127.0.0.1 >> " + empty,
			"skipped  ssh key: no key is offered to this server",
		}},
		{"a key that the server does not know", other.Key, known, 6, []string{
			"ok       ssh host key: ", "failed   ssh key: ", "the server takes no key that was offered", "name another one with --ssh-key",
		}},
	} {
		var out strings.Builder
		env := Env{
			Args:   []string{"doctor", "--repo", "ssh://git@" + s.Addr + "/acme/charts.git", "--ssh-key", test.key, "--ssh-known-hosts", test.known},
			Stdout: &out, Stderr: io.Discard, Now: time.Now, Getenv: func(string) string { return "" },
		}
		if code := Run(context.Background(), env); code != test.code {
			t.Errorf("%s: exit code %d, want %d", test.name, code, test.code)
		}
		for _, want := range test.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s:\n%s\nwant %q", test.name, out.String(), want)
			}
		}
	}
}

func TestTheWorstFindingIsTheExitCode(t *testing.T) {
	is := func(kind fault.Kind) finding { return finding{err: fault.New(kind, "no")} }
	for _, test := range []struct {
		findings []finding
		want     int
	}{
		{nil, 0},
		{[]finding{{note: "well"}, {skipped: "not asked"}}, 0},
		{[]finding{is(fault.NotFound), is(fault.Unavailable), is(fault.NoAccess)}, 7},
		{[]finding{is(fault.NoAccess), {note: "well"}, is(fault.Usage)}, 6},
		{[]finding{is(fault.Failed)}, 1},
	} {
		if got := exitCode(worst(test.findings)); got != test.want {
			t.Errorf("%v: %d, want %d", test.findings, got, test.want)
		}
	}
}

// A server may repeat a secret in its answer.
func TestFindingsAreMasked(t *testing.T) {
	env := Env{secrets: redact.NewSecrets("correctHorseBattery")}
	doc := finding{what: "git", err: fault.New(fault.NoAccess, "bad token correctHorseBattery").WithHint("not correctHorseBattery")}.doc(env)
	if strings.Contains(doc.Error+doc.Hint, "correctHorse") || !strings.Contains(doc.Error, "bad token") || doc.Code != 6 {
		t.Errorf("%+v", doc)
	}
}
