// Package argocd holds tagbump's waiting against a real Argo CD that syncs to a real
// Kubernetes API server, all on loopback: what became of a commit is asked of Argo CD
// by tagbump, and of Kubernetes by the tests.
//
// It is a module of its own: nothing that it needs is a dependency of the program.
package argocd

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// startWithin is how long one program of a cluster may take until it answers.
const startWithin = 3 * time.Minute

// A cluster is etcd, Kubernetes and Argo CD as processes of this machine. All of them
// end when the tests end.
type cluster struct {
	dir     string // of everything that it writes
	rig     string // the program
	env     []string
	ports   map[string]int
	running []*process

	argocd     string // HOST:PORT of Argo CD
	token      string // of an account that may get, and sync in the project default
	adminToken string
}

// A process is one program of a cluster.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string        // its output
	done chan struct{} // closed when it has ended
}

// portNames are the ports that a cluster needs.
var portNames = []string{
	"etcd", "etcd-peer", "kubernetes", "manager", "redis", "repo", "repo-metrics", "server", "server-metrics", "controller-metrics",
	"appset-metrics", "appset-probe", "appset-webhook", "commit", "commit-metrics",
}

// startCluster starts a cluster in an empty folder, and returns once Argo CD answers.
func startCluster(dir, rig string) (*cluster, error) {
	c := &cluster{dir: dir, rig: rig, ports: map[string]int{}}
	for _, step := range []func() error{c.prepare, c.startKubernetes, c.installArgoCD, c.startArgoCD, c.logIn} {
		if err := step(); err != nil {
			c.stop()
			return nil, err
		}
	}
	return c, nil
}

func (c *cluster) path(names ...string) string {
	return filepath.Join(append([]string{c.dir}, names...)...)
}

func (c *cluster) address(port string) string { return fmt.Sprintf("127.0.0.1:%d", c.ports[port]) }

// prepare makes folders, keys and the environment of the programs.
func (c *cluster) prepare() error {
	for _, dir := range []string{"bin", "log", "home", "keys", "argocd/tls", "argocd/ssh", "argocd/gpg/keys", "argocd/gpg/source", "argocd/plugins"} {
		if err := os.MkdirAll(c.path(dir), 0o700); err != nil {
			return err
		}
	}
	for _, name := range portNames {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer listener.Close() // all at once: no two names get the same port
		c.ports[name] = listener.Addr().(*net.TCPAddr).Port
	}
	// Argo CD calls these by name; git is the machine's.
	for _, name := range []string{"kubectl", "helm", "kustomize", "argocd", "argocd-git-ask-pass"} {
		if err := os.Symlink(c.rig, c.path("bin", name)); err != nil {
			return err
		}
	}
	c.env = []string{
		"PATH=" + c.path("bin") + ":" + os.Getenv("PATH"), "HOME=" + c.path("home"), "TMPDIR=" + c.path("home"),
		"KUBECONFIG=" + c.path("keys", "admin.kubeconfig"), "GIT_CONFIG_NOSYSTEM=1",
	}
	return writeKeys(c.path("keys"), "https://"+c.address("kubernetes"))
}

// start starts a program of the cluster.
func (c *cluster) start(name string, args ...string) error {
	log, err := os.Create(c.path("log", name))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(c.rig, append([]string{name}, args...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.dir, log, log
	cmd.Env = append(c.env[:len(c.env):len(c.env)], "RIG_TIED_TO_STDIN=1")
	if _, err := cmd.StdinPipe(); err != nil { // closes when the tests end in any way
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	p := &process{name, cmd, log.Name(), make(chan struct{})}
	go func() { _ = cmd.Wait(); close(p.done) }()
	c.running = append(c.running, p)
	return nil
}

// stop ends the programs, the last one first.
func (c *cluster) stop() {
	for i := len(c.running) - 1; i >= 0; i-- {
		_ = c.running[i].cmd.Process.Kill() // etcd and kube-apiserver would take seconds
		<-c.running[i].done
	}
	c.running = nil
}

// await waits until ready holds. What ended meanwhile, or did not get ready, is told
// with the end of its log.
func (c *cluster) await(name string, ready func() error) error {
	var last error
	for end := time.Now().Add(startWithin); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if last = ready(); last == nil {
			return nil
		}
		for _, p := range c.running {
			select {
			case <-p.done:
				return fmt.Errorf("%s has ended: %v\n%s", p.name, p.cmd.ProcessState, tail(p.log))
			default:
			}
		}
	}
	return fmt.Errorf("%s is not ready after %v: %w\n%s", name, startWithin, last, tail(c.path("log", name)))
}

// tail returns the end of a file.
func tail(name string) string {
	content, _ := os.ReadFile(name)
	return string(content[max(0, len(content)-3000):])
}

// kubectl runs kubectl, and returns what it prints.
func (c *cluster) kubectl(stdin string, args ...string) (string, error) {
	return c.command(stdin, "kubectl", args...)
}

// command runs a program of the rig to its end.
func (c *cluster) command(stdin, name string, args ...string) (string, error) {
	cmd := exec.Command(c.rig, append([]string{name}, args...)...)
	cmd.Env, cmd.Dir, cmd.Stdin = c.env, c.dir, strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String(), nil
}

// apply creates or changes the objects of manifests.
func (c *cluster) apply(manifests string, args ...string) error {
	_, err := c.kubectl(manifests, append([]string{"apply", "--server-side", "--force-conflicts", "-f", "-"}, args...)...)
	return err
}

func (c *cluster) startKubernetes() error {
	etcd, peer := "http://"+c.address("etcd"), "http://"+c.address("etcd-peer")
	err := c.start("etcd", "--name=rig", "--data-dir="+c.path("etcd"), "--unsafe-no-fsync",
		"--listen-client-urls="+etcd, "--advertise-client-urls="+etcd,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=rig="+peer)
	if err != nil {
		return err
	}
	keys := func(name string) string { return c.path("keys", name) }
	err = c.start("kube-apiserver", "--etcd-servers="+etcd,
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", fmt.Sprint("--secure-port=", c.ports["kubernetes"]), "--endpoint-reconciler-type=none",
		"--tls-cert-file="+keys("apiserver.crt"), "--tls-private-key-file="+keys("apiserver.key"), "--client-ca-file="+keys("ca.crt"), "--cert-dir="+c.path("home"),
		"--service-account-key-file="+keys("sa.pub"), "--service-account-signing-key-file="+keys("sa.key"),
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local", "--service-cluster-ip-range=10.0.0.0/24",
		"--authorization-mode=RBAC", "--allow-privileged=true", "--profiling=false")
	if err != nil {
		return err
	}
	err = c.await("kube-apiserver", func() error { _, err := c.kubectl("", "get", "--raw=/readyz"); return err })
	if err != nil {
		return err
	}
	err = c.start("kube-controller-manager", "--kubeconfig="+keys("manager.kubeconfig"), "--bind-address=127.0.0.1", fmt.Sprint("--secure-port=", c.ports["manager"]),
		"--cert-dir="+c.path("home"), "--leader-elect=false", "--profiling=false", "--service-account-private-key-file="+keys("sa.key"), "--root-ca-file="+keys("ca.crt"),
		"--use-service-account-credentials=false", "--controllers=deployment-controller,replicaset-controller,statefulset-controller,job-controller,"+
			"cronjob-controller,serviceaccount-controller,root-ca-certificate-publisher-controller,namespace-controller,garbage-collector-controller")
	if err != nil {
		return err
	}
	// One identity for these few controllers, without service accounts of their own.
	if _, err := c.kubectl("", "create", "clusterrolebinding", "manager", "--clusterrole=cluster-admin", "--user=system:kube-controller-manager"); err != nil {
		return err
	}
	return c.start("fake-kubelet", "--kubeconfig="+keys("admin.kubeconfig"))
}

// argoCDModule returns the folder of Argo CD's module, which has its manifests.
func argoCDModule() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/argoproj/argo-cd/v3").Output()
	return strings.TrimSpace(string(out)), err
}

// installArgoCD creates Argo CD's resource definitions and settings.
func (c *cluster) installArgoCD() error {
	module, err := argoCDModule()
	if err != nil {
		return err
	}
	// The repo-server calls these for every commit. In the module they are not executable.
	for _, name := range []string{"git-verify-wrapper.sh", "gpg-wrapper.sh"} {
		script, err := os.ReadFile(filepath.Join(module, "hack", name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.path("bin", name), script, 0o700); err != nil {
			return err
		}
	}
	definitions, err := filepath.Glob(filepath.Join(module, "manifests", "crds", "*-crd.yaml"))
	if err != nil {
		return err
	}
	settings, err := filepath.Glob(filepath.Join(module, "manifests", "base", "config", "argocd-*.yaml"))
	if err != nil {
		return err
	}
	if _, err := c.kubectl("", "create", "namespace", "argocd"); err != nil {
		return err
	}
	args := []string{"apply", "--server-side"}
	for _, name := range append(definitions, settings...) {
		args = append(args, "-f", name)
	}
	if _, err := c.kubectl("", args...); err != nil {
		return err
	}
	secret := "rig-redis"
	c.env = append(c.env, "REDIS_PASSWORD="+secret)
	return c.apply(fmt.Sprintf(`
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm, namespace: argocd, labels: {app.kubernetes.io/part-of: argocd}}
data: {accounts.ci: apiKey, url: "http://%s"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-rbac-cm, namespace: argocd, labels: {app.kubernetes.io/part-of: argocd}}
data:
  policy.csv: |
    p, role:ci, applications, get, */*, allow
    p, role:ci, applications, sync, default/*, allow
    g, ci, role:ci
---
apiVersion: v1
kind: Secret
metadata: {name: argocd-redis, namespace: argocd}
stringData: {auth: %s}
`, c.address("server"), secret))
}

// startArgoCD starts Argo CD's servers, which believe that they run in the cluster.
func (c *cluster) startArgoCD() error {
	c.env = append(c.env, "ARGOCD_FAKE_IN_CLUSTER=true", "ARGOCD_HYDRATOR_ENABLED=true", "ARGOCD_GPG_ENABLED=false",
		"ARGOCD_TLS_DATA_PATH="+c.path("argocd/tls"), "ARGOCD_SSH_DATA_PATH="+c.path("argocd/ssh"), "ARGOCD_PLUGINSOCKFILEPATH="+c.path("argocd/plugins"),
		"ARGOCD_GNUPGHOME="+c.path("argocd/gpg/keys"), "ARGOCD_GPG_DATA_PATH="+c.path("argocd/gpg/source"))
	port := func(name string) string { return fmt.Sprint(c.ports[name]) }
	repo := []string{"--repo-server=" + c.address("repo"), "--repo-server-plaintext", "--redis=" + c.address("redis")}
	programs := []struct {
		name string
		args []string
	}{
		{"redis", []string{c.address("redis")}},
		{"argocd-repo-server", []string{
			"--address=127.0.0.1", "--port=" + port("repo"), "--metrics-address=127.0.0.1", "--metrics-port=" + port("repo-metrics"),
			"--redis=" + c.address("redis"), "--disable-tls", "--client-ca-path=",
		}},
		{"argocd-commit-server", []string{"--address=127.0.0.1", "--port=" + port("commit"), "--metrics-address=127.0.0.1", "--metrics-port=" + port("commit-metrics")}},
		{"argocd-applicationset-controller", []string{
			"--metrics-addr=" + c.address("appset-metrics"), "--probe-addr=" + c.address("appset-probe"), "--webhook-addr=" + c.address("appset-webhook"),
			"--namespace=argocd", "--argocd-repo-server=" + c.address("repo"), "--repo-server-plaintext", "--enable-scm-providers=false",
		}},
		{"argocd-application-controller", append([]string{"--metrics-port=" + port("controller-metrics"), "--commit-server=" + c.address("commit")}, repo...)},
		{"argocd-server", append([]string{
			"--address=127.0.0.1", "--port=" + port("server"), "--metrics-address=127.0.0.1", "--metrics-port=" + port("server-metrics"),
			"--insecure", "--dex-server=http://127.0.0.1:1",
		}, repo...)},
	}
	for _, program := range programs {
		if err := c.start(program.name, program.args...); err != nil {
			return err
		}
	}
	c.argocd = c.address("server")
	return c.await("argocd-server", func() error {
		if _, err := c.api(http.MethodGet, "/healthz", "", ""); err != nil {
			return err
		}
		_, err := c.kubectl("", "-n", "argocd", "get", "secret/argocd-initial-admin-secret", "appproject/default")
		return err
	})
}

// logIn makes the tokens.
func (c *cluster) logIn() error {
	encoded, err := c.kubectl("", "-n", "argocd", "get", "secret", "argocd-initial-admin-secret", "-o", "jsonpath={.data.password}")
	if err != nil {
		return err
	}
	password, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return err
	}
	body, _ := json.Marshal(map[string]string{"username": "admin", "password": string(password)})
	if c.adminToken, err = c.newToken("/api/v1/session", "", string(body)); err != nil {
		return err
	}
	c.token, err = c.newToken("/api/v1/account/ci/token", c.adminToken, `{"name":"ci"}`)
	return err
}

func (c *cluster) newToken(path, token, body string) (string, error) {
	answer, err := c.api(http.MethodPost, path, token, body)
	if err != nil {
		return "", err
	}
	var made struct{ Token string }
	err = json.Unmarshal(answer, &made)
	return made.Token, err
}

// api sends a request to Argo CD.
func (c *cluster) api(method, path, token, body string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.argocd+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, answer)
	}
	return answer, err
}
