package testenv

import (
	"bytes"
	"errors"
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

// ErrNotInstalled is in the chain when a program is missing that a server needs.
var ErrNotInstalled = errors.New("not installed")

// A DockerRegistry is the registry of the distribution project, as Debian packages
// it (docker-registry), in a process of its own.
type DockerRegistry struct {
	Host string // "127.0.0.1:41234"

	command *exec.Cmd
}

// StartDockerRegistry starts a registry that keeps its images in dir. Without the
// program the error wraps [ErrNotInstalled].
func StartDockerRegistry(dir string) (*DockerRegistry, error) {
	program, err := exec.LookPath("docker-registry")
	if err != nil {
		return nil, fmt.Errorf("testenv: docker-registry: %w (Debian has it: apt-get install docker-registry)", ErrNotInstalled)
	}
	host, err := freeAddress()
	if err != nil {
		return nil, err
	}
	config := fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: %q}\n", filepath.Join(dir, "images"), host)
	file := filepath.Join(dir, "docker-registry.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, fmt.Errorf("testenv: docker-registry: %w", err)
	}
	r := &DockerRegistry{Host: host, command: exec.Command(program, "serve", file)}
	r.command.Env = []string{"OTEL_TRACES_EXPORTER=none"}
	if err := r.command.Start(); err != nil {
		return nil, fmt.Errorf("testenv: docker-registry: %w", err)
	}
	if err := r.awaitStart(); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// freeAddress finds a port that nobody listens at.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("testenv: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}

// awaitStart returns when the registry answers.
func (r *DockerRegistry) awaitStart() error {
	const patience = 10 * time.Second
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		resp, err := http.Get("http://" + r.Host + "/v2/")
		if err == nil {
			return resp.Body.Close()
		}
		time.Sleep(5 * time.Millisecond)
	}
	return fmt.Errorf("testenv: docker-registry: no answer after %s", patience)
}

// Close ends the registry.
func (r *DockerRegistry) Close() {
	_ = r.command.Process.Kill()
	_ = r.command.Wait() // an error by the kill
}

// Push makes an image and files it under the given tags, as [Registry.Push] does.
func (r *DockerRegistry) Push(repository string, img Image, tags ...string) (digest string, err error) {
	return push(r, repository, img, tags)
}

// PushManifest files any text as the manifest of a tag or digest.
func (r *DockerRegistry) PushManifest(repository, reference, mediaType string, body []byte) error {
	_, err := r.send(http.MethodPut, "http://"+r.Host+"/v2/"+repository+"/manifests/"+reference, mediaType, body)
	return err
}

// PushBlob files a blob and returns its digest.
func (r *DockerRegistry) PushBlob(repository string, body []byte) (digest string, err error) {
	digest = digestOf(body)
	upload, err := r.send(http.MethodPost, "http://"+r.Host+"/v2/"+repository+"/blobs/uploads/", "", nil)
	if err != nil {
		return "", err
	}
	separator := "?"
	if strings.Contains(upload, "?") {
		separator = "&"
	}
	_, err = r.send(http.MethodPut, upload+separator+"digest="+digest, "application/octet-stream", body)
	return digest, err
}

// send makes a request and returns the Location of the answer.
func (r *DockerRegistry) send(method, address, mediaType string, body []byte) (location string, err error) {
	req, err := http.NewRequest(method, address, bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("testenv: docker-registry: %w", err)
	}
	if mediaType != "" {
		req.Header.Set("Content-Type", mediaType)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("testenv: docker-registry: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", fmt.Errorf("testenv: docker-registry: %w", err)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return "", fmt.Errorf("testenv: docker-registry: %s %s: %s %s", method, req.URL.Path, resp.Status, text)
	}
	return resp.Header.Get("Location"), nil
}
