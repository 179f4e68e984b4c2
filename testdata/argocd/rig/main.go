// Command rig is a small cluster with Argo CD in one program. By its first argument, or
// by the name that it is called by, it is one of the real programs: etcd,
// kube-apiserver, kube-controller-manager, kubectl, helm, kustomize, argocd and Argo
// CD's servers. It also has two substitutes: a redis (miniredis), and a kubelet that runs
// nothing and only writes the status of Pods.
//
// No two of them get into each other's way: flags, metrics and init functions agree.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	helm "helm.sh/helm/v4/pkg/cmd"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	manager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	kustomize "sigs.k8s.io/kustomize/kustomize/v5/commands"

	controller "github.com/argoproj/argo-cd/v3/cmd/argocd-application-controller/commands"
	appset "github.com/argoproj/argo-cd/v3/cmd/argocd-applicationset-controller/commands"
	commitserver "github.com/argoproj/argo-cd/v3/cmd/argocd-commit-server/commands"
	askpass "github.com/argoproj/argo-cd/v3/cmd/argocd-git-ask-pass/commands"
	reposerver "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
	server "github.com/argoproj/argo-cd/v3/cmd/argocd-server/commands"
	argocd "github.com/argoproj/argo-cd/v3/cmd/argocd/commands"
	argogrpc "github.com/argoproj/argo-cd/v3/util/grpc"
)

// programs are those that are cobra commands.
var programs = map[string]func() *cobra.Command{
	"kubectl":                          kubectl.NewDefaultKubectlCommand,
	"kustomize":                        kustomize.NewDefaultCommand,
	"argocd":                           argocd.NewCommand,
	"argocd-server":                    server.NewCommand,
	"argocd-application-controller":    controller.NewCommand,
	"argocd-applicationset-controller": appset.NewCommand,
	"argocd-repo-server":               reposerver.NewCommand,
	"argocd-commit-server":             commitserver.NewCommand,
	"argocd-git-ask-pass":              askpass.NewCommand,
}

func main() {
	leaveWithParent()
	name := filepath.Base(os.Args[0])
	if name == "rig" && len(os.Args) > 1 {
		name = os.Args[1]
		os.Args = append([]string{name}, os.Args[2:]...)
	}
	argogrpc.DisableSRVLookups() // as Argo CD's own main does
	switch name {
	case "etcd":
		etcdmain.Main(os.Args)
	case "kube-apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "kube-controller-manager":
		os.Exit(cli.Run(manager.NewControllerManagerCommand()))
	case "helm":
		command, err := helm.NewRootCmd(os.Stdout, os.Args[1:], helm.SetupLogging)
		check(err)
		check(command.Execute())
	case "redis":
		check(redis(os.Args[1]))
	case "fake-kubelet":
		check(fakeKubelet(os.Args[1:]))
	default:
		program, found := programs[name]
		if !found {
			check(fmt.Errorf("unknown program %q", name))
		}
		check(program().Execute())
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// tiedVariable ties a program to its stdin.
const tiedVariable = "RIG_TIED_TO_STDIN"

// leaveWithParent ends a program of the cluster when the process that holds its stdin
// has ended, however that ended. Programs that it starts itself are not tied.
func leaveWithParent() {
	if os.Getenv(tiedVariable) == "" {
		return
	}
	check(os.Unsetenv(tiedVariable))
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
}

// redis keeps Argo CD's caches. For miniredis no time passes by itself: without the
// ticks nothing would ever expire, and Argo CD would for ever believe the revision that
// it has read once.
func redis(address string) error {
	server := miniredis.NewMiniRedis()
	server.RequireAuth(os.Getenv("REDIS_PASSWORD"))
	if err := server.StartAddr(address); err != nil {
		return err
	}
	for range time.Tick(time.Second) {
		server.FastForward(time.Second)
	}
	return nil
}
