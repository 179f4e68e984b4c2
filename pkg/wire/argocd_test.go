package wire

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/fault"
)

// TestWhichArgoCDGetsTheToken holds that only a person names the server.
func TestWhichArgoCDGetsTheToken(t *testing.T) {
	for _, test := range []struct {
		name             string
		given, byProject string
		env              map[string]string
		want             string // the host, or the error
		kind             fault.Kind
	}{
		{"by the variable", "", "", map[string]string{"ARGOCD_SERVER": "argocd.acme.example"}, "argocd.acme.example", 0},
		{"by the flag", "argocd.acme.example", "", map[string]string{"ARGOCD_SERVER": "other.example"}, "argocd.acme.example", 0},
		{"by argocd's own flags", "", "", map[string]string{"ARGOCD_OPTS": "--grpc-web --server 'argocd.acme.example:8443'"}, "argocd.acme.example:8443", 0},
		{"the project file agrees", "", "https://Argocd.acme.example/", map[string]string{"ARGOCD_SERVER": "argocd.acme.example:443"}, "argocd.acme.example:443", 0},
		{"the project file alone", "", "argocd.evil.example", nil, "the token of Argo CD is not sent to argocd.evil.example, which only the project file names", fault.Usage},
		{"the project file disagrees", "", "argocd.evil.example", map[string]string{"ARGOCD_SERVER": "argocd.acme.example"}, "the project file's Argo CD is argocd.evil.example, and this job's is argocd.acme.example", fault.Usage},
		{"nobody", "", "", nil, "no Argo CD is named", fault.Usage},
		{"no token", "", "", map[string]string{"ARGOCD_SERVER": "argocd.acme.example", "ARGOCD_AUTH_TOKEN": " \n"}, "Argo CD at argocd.acme.example needs a token", fault.NoAccess},
		{"the cluster itself", "", "", map[string]string{"ARGOCD_SERVER": "a.example", "ARGOCD_OPTS": "--core"}, "ARGOCD_OPTS: --core asks the cluster instead of Argo CD's API", fault.Usage},
		{"an open quote", "", "", map[string]string{"ARGOCD_OPTS": "--server 'a"}, "ARGOCD_OPTS: a quote ' is not closed", fault.Usage},
		{"a header without a value", "", "", map[string]string{"ARGOCD_OPTS": "-H x"}, "ARGOCD_OPTS: -H wants NAME: VALUE", fault.Usage},
	} {
		env := map[string]string{"ARGOCD_AUTH_TOKEN": "t0ken-0123456789"}
		for name, value := range test.env {
			env[name] = value
		}
		var said strings.Builder
		learned := ""
		w := worldOf(env, &said)
		w.Secret = func(_, secret string) { learned = secret }
		client, err := w.OpenArgoCD(test.given, test.byProject)
		got := fmt.Sprint(err)
		if err == nil {
			got = client.Host()
		}
		if got != test.want || err != nil && fault.KindOf(err) != test.kind || err == nil && learned != "t0ken-0123456789" {
			t.Errorf("%s: %s (%v); want %s", test.name, got, fault.KindOf(err), test.want)
		}
	}
}

func TestArgoCDOpts(t *testing.T) {
	opts, err := parseArgoCDOpts(`--plaintext --insecure=false --grpc-web-root-path argo/ -H "CF-Access: a b" --header=X:y --auth-token=t --server-crt c.pem --loglevel debug`)
	if got := fmt.Sprintf("%+v, %v", opts, err); got != "{server: token:t rootPath:/argo serverCert:c.pem plaintext:true insecure:false header:map[Cf-Access:[a b] X:[y]]}, <nil>" {
		t.Error(got)
	}
	var said strings.Builder
	w := worldOf(map[string]string{"ARGOCD_SERVER": "argocd.acme.example", "ARGOCD_AUTH_TOKEN": "t", "ARGOCD_OPTS": "--plaintext"}, &said)
	if _, err := w.OpenArgoCD("", ""); err != nil || !strings.Contains(said.String(), "without encryption") {
		t.Errorf("%v: %s", err, said.String())
	}
}
