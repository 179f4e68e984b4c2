package render

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/fault"
)

// Bounds of a run: manifests of large umbrella charts have some megabytes.
const (
	maxOutput = 32 << 20
	maxErrors = 64 << 10
	maxFiles  = 20_000
	maxBytes  = 256 << 20
)

// A runner runs programs below a temporary folder.
type runner struct {
	opts  Options
	dir   string
	count int // of the folders that were made
}

// folder makes a new folder.
func (r *runner) folder() (string, error) {
	r.count++
	dir := filepath.Join(r.dir, strconv.Itoa(r.count))
	return dir, os.MkdirAll(dir, 0o700)
}

// helm runs helm.
func (r *runner) helm(ctx context.Context, args ...string) (string, error) {
	program := r.opts.Helm
	if program == "" {
		program = "helm"
	}
	return r.run(ctx, program, args...)
}

// kustomize builds the kustomization in dir, with kustomize or with kubectl.
func (r *runner) kustomize(ctx context.Context, dir string) (string, error) {
	if r.opts.Kustomize != "" {
		return r.run(ctx, r.opts.Kustomize, "build", dir)
	}
	text, err := r.run(ctx, "kustomize", "build", dir)
	if isMissing(err) {
		if text, errKubectl := r.run(ctx, "kubectl", "kustomize", dir); !isMissing(errKubectl) {
			return text, errKubectl
		}
	}
	return text, err
}

func isMissing(err error) bool { return errors.Is(err, ErrNoProgram) }

// run runs a program and returns what it prints. Its error is the program's first
// words.
func (r *runner) run(ctx context.Context, program string, args ...string) (string, error) {
	name := filepath.Base(program)
	file, err := exec.LookPath(program)
	if err != nil {
		return "", fault.Errorf(fault.Failed, "%s: %w", name, ErrNoProgram).WithHint("install it, or leave --render out")
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout())
	defer cancel()
	cmd := exec.CommandContext(ctx, file, args...)
	stdout, stderr := &bounded{most: maxOutput, full: cancel}, &bounded{most: maxErrors}
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = r.dir, r.environment(), stdout, stderr
	cmd.WaitDelay = time.Second
	ownGroup(cmd)
	err = cmd.Run()
	switch {
	case stdout.overflowed:
		return "", fmt.Errorf("%s: prints more than %d MiB", name, maxOutput>>20)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "", fault.Errorf(fault.Unavailable, "%s: took longer than %s", name, r.timeout())
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil && stderr.kept.Len() > 0:
		return "", fmt.Errorf("%s: %s", name, r.words(stderr.kept.String()))
	case err != nil:
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return stdout.kept.String(), nil
}

func (r *runner) timeout() time.Duration {
	if r.opts.Timeout > 0 {
		return r.opts.Timeout
	}
	return 30 * time.Second
}

// environment has nothing of the user's but where programs are. A proxy that
// does not exist stops a program that would use the network all the same.
func (r *runner) environment() []string {
	home := filepath.Join(r.dir, "home")
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + r.dir, "TMP=" + r.dir, "TEMP=" + r.dir,
		"XDG_CACHE_HOME=" + home, "XDG_CONFIG_HOME=" + home, "XDG_DATA_HOME=" + home,
		"HELM_CACHE_HOME=" + home, "HELM_CONFIG_HOME=" + home, "HELM_DATA_HOME=" + home, "HELM_PLUGINS=" + filepath.Join(home, "plugins"),
		"HELM_REPOSITORY_CONFIG=" + filepath.Join(home, "repositories.yaml"), "HELM_REPOSITORY_CACHE=" + home,
		"HELM_REGISTRY_CONFIG=" + filepath.Join(home, "registry.json"), "HELM_NO_PLUGINS=1",
		"KUBECONFIG=" + filepath.Join(home, "kubeconfig"), "GIT_ALLOW_PROTOCOL=none", "GIT_TERMINAL_PROMPT=0",
		"HTTP_PROXY=http://127.0.0.1:9", "HTTPS_PROXY=http://127.0.0.1:9", "http_proxy=http://127.0.0.1:9", "https_proxy=http://127.0.0.1:9",
	}
	if system := os.Getenv("SystemRoot"); system != "" { // Windows starts no program without it
		env = append(env, "SystemRoot="+system)
	}
	return env
}

// words returns the first line that a program says of an error, without the
// temporary folder's name.
func (r *runner) words(stderr string) string {
	var words string
	for line := range strings.SplitSeq(stderr, "\n") {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "Error:"))
		if line != "" && !strings.HasPrefix(line, "WARNING") && !strings.HasPrefix(line, "#") {
			words = line
			break
		}
	}
	return strings.ReplaceAll(words, r.dir+string(filepath.Separator), "")
}

// bounded keeps the first bytes that are written to it. The buffer is a field and
// not embedded: its ReadFrom would go round Write.
type bounded struct {
	kept       bytes.Buffer
	most       int
	overflowed bool
	full       func() // called when there are more
}

// Write takes everything, so that the program does not see a broken pipe.
func (b *bounded) Write(p []byte) (int, error) {
	room := b.most - b.kept.Len()
	if len(p) <= room {
		return b.kept.Write(p)
	}
	b.kept.Write(p[:room])
	if !b.overflowed && b.full != nil {
		b.full()
	}
	b.overflowed = true
	return len(p), nil
}

// copyFolder copies a folder of fsys to dest on disk, and links are not made: a
// file system shows what is behind them.
func copyFolder(fsys fs.FS, dir, dest string) error {
	count, size := 0, 0
	return fs.WalkDir(fsys, dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		count++
		if size += len(content); count > maxFiles || size > maxBytes {
			return fmt.Errorf("%s: is too large to render: over %d files or %d MiB", dir, maxFiles, maxBytes>>20)
		}
		return writeFile(filepath.Join(dest, filepath.FromSlash(below(dir, name))), content)
	})
}

// below returns name as seen from dir, which it is in.
func below(dir, name string) string {
	if dir == "." {
		return name
	}
	return strings.TrimPrefix(path.Clean(name), dir+"/")
}

func writeFile(file string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o600)
}
