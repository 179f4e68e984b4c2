package cli

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// argoToken is what the Argo CD of a script wants.
const argoToken = "argo-correctHorseBattery"

// startArgoCD serves an Argo CD until the script ends.
func startArgoCD(env *testscript.Env) (*testenv.ArgoCD, string, error) {
	argocd := testenv.NewArgoCD(argoToken)
	host, stop, err := argocd.Listen()
	if err == nil {
		env.Defer(func() { _ = stop() })
	}
	return argocd, host, err
}

// addApplication: argo NAME FILE [manual] [frozen] [nosync] [project=NAME] [racing=OLD=NEW]
// adds an application that runs FILE of acme/charts. Before the first refresh of one
// that races, somebody replaces a text in FILE.
func addApplication(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: argo NAME FILE [manual] [frozen] [nosync] [project=NAME] [racing=OLD=NEW]")
	}
	w := worldOf(ts)
	repo := &testenv.GitRepo{Dir: filepath.Join(w.git.Root, "acme", "charts.git")}
	app := testenv.ArgoCDApp{Name: args[0], File: args[1], RepoURL: w.git.URL + "/acme/charts", Repo: repo}
	for _, arg := range args[2:] {
		switch name, value, _ := strings.Cut(arg, "="); name {
		case "manual":
			app.Manual = true
		case "frozen":
			app.Frozen = true
		case "nosync":
			w.argocd.MaySync = false
		case "project":
			app.Project = value
		case "racing":
			old, replacement, _ := strings.Cut(value, "=")
			app.BeforeRefresh = func() {
				content, err := repo.File("main", app.File)
				ts.Check(err)
				_, err = repo.Commit("main", "somebody else's", map[string]string{app.File: strings.Replace(content, old, replacement, 1)})
				ts.Check(err)
			}
		default:
			ts.Fatalf("argo: %s is unknown", arg)
		}
	}
	ts.Check(w.argocd.Add(app))
}

// listArgoRequests: argoasked prints what Argo CD was asked, one request a line.
func listArgoRequests(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: argoasked")
	}
	for _, request := range worldOf(ts).argocd.Requests() {
		fmt.Fprintln(ts.Stdout(), request)
	}
}
