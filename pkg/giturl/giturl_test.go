package giturl_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/giturl"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// secret is in every address of the table that holds one.
const secret = "hunter2secret"

func TestParseReadsAddressesAsPeopleWriteThem(t *testing.T) {
	for _, test := range testenv.Addresses(t) {
		a, err := giturl.Parse(test.Raw)
		if err != nil {
			if why := err.(*giturl.Error).Why; why != test.Problem {
				t.Errorf("%s: %s, want %q", test.Raw, why, test.Problem)
			}
			if strings.Contains(err.Error(), "er2secret") {
				t.Errorf("%s: the error shows a password: %v", test.Raw, err)
			}
			continue
		}
		host := a.HostPort()
		if host == "" {
			host = "-"
		}
		got := testenv.Address{
			Raw: test.Raw, Shown: a.String(), Parts: fmt.Sprintf("%s %s %s", a.Scheme, host, a.Path), GitHub: test.GitHub,
			Credentials: a.HasCredentials(), Forge: test.Forge, Clear: a.IsPlainHTTP(),
		}
		if got != test {
			t.Errorf("\n got %+v\nwant %+v", got, test)
		}
		if a.Host != giturl.HostOf(test.Raw) {
			t.Errorf("%s: HostOf is %q, and Parse found %q", test.Raw, giturl.HostOf(test.Raw), a.Host)
		}
	}
}

func TestOwnerNameAndWebURL(t *testing.T) {
	tests := []struct{ raw, owner, name, web string }{
		{"https://github.com/acme/charts.git", "acme", "charts", "https://github.com/acme/charts"},
		{"git@ssh.github.com:acme/charts.git", "acme", "charts", "https://github.com/acme/charts"},
		{"ssh://git@altssh.gitlab.com:443/acme/platform/charts.git", "acme/platform", "charts", "https://gitlab.com/acme/platform/charts"},
		{"http://gitea.lan:3000/ops/deploy%20files.git/", "ops", "deploy files", "http://gitea.lan:3000/ops/deploy%20files"},
		{"https://ci:secret@git.example.com/charts", "", "charts", "https://git.example.com/charts"},
		{"ssh://git@git.example.com:2222/ops/charts", "ops", "charts", "https://git.example.com/ops/charts"},
		{"git@[::1]:ops/charts", "ops", "charts", "https://[::1]/ops/charts"},
		{"ssh://host/~ci/charts.git", "~ci", "charts", ""},
		{"/srv/charts.git", "srv", "charts", ""},
	}
	for _, test := range tests {
		a, err := giturl.Parse(test.raw)
		if err != nil {
			t.Fatal(err)
		}
		if a.Owner() != test.owner || a.Name() != test.name || a.WebURL() != test.web {
			t.Errorf("%s: owner %q, name %q, web %q, want %q, %q, %q", test.raw, a.Owner(), a.Name(), a.WebURL(), test.owner, test.name, test.web)
		}
	}
}

func TestParseRefusesWhatWouldRunAProgramOrBecomeAnOption(t *testing.T) {
	tests := []struct{ raw, want string }{
		{"", `repository "": is empty`},
		{"ssh://-oProxyCommand=x/y", `repository "ssh://-oProxyCommand=x/y": "-oproxycommand=x" is not a host name`},
		{"ssh://-oProxyCommand=x@host/y", `repository "ssh://-oProxyCommand=x@host/y": has a user name that begins with a dash`},
		{"host:-x", `repository "host:-x": has a path that begins with "-"`},
		{"fd::17/foo", `repository "fd::17/foo": names a remote helper, and tagbump starts no program`},
		{"https://host/a\nb", `repository "https://host/a\nb": has a control character in it`},
		{"https://host/", `repository "https://host/": has no path`},
		{"https:///acme/web", `repository "https:///acme/web": has no host`},
		{"file://nas/srv/x", `repository "file://nas/srv/x": a file URL names no host, and this one names "nas"`},
		{"file://", `repository "file://": has no path`},
		{"https:/host/x", `repository "https:/host/x": has one slash after its scheme, where two belong`},
		{"host:8443/acme/web.git", `repository "host:8443/acme/web.git": looks like a host and its port: write https:// or ssh:// in front of it`},
		{"https://host/acme/web/tree/main", `repository "https://host/acme/web/tree/main": is the address of a page: leave out what follows the repository`},
		{"https://host/acme/charts/web/-/blob/main/a.yaml", `repository "https://host/acme/charts/web/-/blob/main/a.yaml": is the address of a page: leave out what follows the repository`},
		{`"https://host/x"`, `repository "\"https://host/x\"": has quotes in it`},
		{"https://ci:pass#word@host/x", `repository "https://REDACTED@host/x": is not a URL`},
		{"https://ci:pass?word@host/x", `repository "https://REDACTED@host/x": is not a URL`},
		{"https://host/x#ghp_0123", `repository "https://host/x#REDACTED": has a query or a fragment, which no git server takes`},
	}
	for _, test := range tests {
		a, err := giturl.Parse(test.raw)
		if err == nil || err.Error() != test.want {
			t.Errorf("%q:\n got %v (%+v)\nwant %s", test.raw, err, a, test.want)
		}
	}
}

func TestAUserNameIsATokenByItsForm(t *testing.T) {
	tests := map[string]bool{
		"acme": false, "x-token-auth": false, "jane.doe%40example.com": false, "github-actions": false, "glenn": false,
		"ghs_16C7e42F292c6912E7710c838347Ae178B4a": true, "github_pat_11AAAAAAA0": true, "glpat-xxxxxxxx": true, "gldt-xxxxxx": true,
		strings.Repeat("0123456789", 4): true, "x-oauth-basic": true,
	}
	for user, want := range tests {
		a, err := giturl.Parse("https://" + user + "@git.example.com/x")
		if err != nil || a.HasCredentials() != want {
			t.Errorf("%s: credentials %t (%v), want %t", user, a.HasCredentials(), err, want)
		}
		if strings.Contains(a.String(), user) == want {
			t.Errorf("%s: shown as %s", user, a)
		}
	}
	if a, err := giturl.Parse("ssh://" + strings.Repeat("user", 10) + "@host/x"); err != nil || a.HasCredentials() {
		t.Errorf("an ssh user is never a secret: %v, %v", a, err)
	}
}

func TestHostOfTakesAServer(t *testing.T) {
	for raw, want := range map[string]string{
		"https://GitHub.Example.com":           "github.example.com",
		"https://github.example.com:8443/api/": "github.example.com",
		"git@host:x":                           "host",
		"./folder":                             "",
		"":                                     "",
		"https://a b/":                         "",
	} {
		if got := giturl.HostOf(raw); got != want {
			t.Errorf("HostOf(%q) = %q, want %q", raw, got, want)
		}
	}
}

func TestPathsOfThisMachine(t *testing.T) {
	for raw, want := range map[string]string{
		"charts":           "file charts",
		"./a:b/c":          "file ./a:b/c",
		`C:\charts`:        `file C:\charts`,
		"c:/charts":        "file c:/charts",
		"file:///C:/x.git": "file /C:/x.git",
		"host:/srv/x":      "ssh /srv/x",
	} {
		a, err := giturl.Parse(raw)
		if got := fmt.Sprintf("%s %s", a.Scheme, a.Path); err != nil || got != want {
			t.Errorf("%s: %s (%v), want %s", raw, got, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, raw := range []string{"https://u:" + secret + "@h/x", "git:" + secret + "@h:x", "https://u:" + secret + "/@h/x?y#z", "a@[::1]:x"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		a, err := giturl.Parse(raw)
		if err != nil {
			return
		}
		again, err := giturl.Parse(a.String())
		if !a.HasCredentials() && (err != nil || again.String() != a.String()) {
			t.Errorf("%q is shown as %q, which is read as %q (%v)", raw, a, again, err)
		}
		_, _, _ = a.Owner(), a.Name(), a.WebURL()
	})
}
