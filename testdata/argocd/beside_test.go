package argocd

import (
	"fmt"
	"os/exec"
	"testing"
	"time"
)

// rounds is how often TestBesideTheCommandLine pushes.
const rounds = 5

// Argo CD's own command line waits beside tagbump, from the same moment on. Each is
// asked when it says yes, and Kubernetes what it ran then.
func TestBesideTheCommandLine(t *testing.T) {
	s := newStory(t, chart)
	s.apply(app)
	s.settle("NAME", tag0)
	var tags []string
	for i := range rounds {
		tags = append(tags, fmt.Sprintf("master-2024061513%02d", i))
	}
	s.must(pushImages(s.image, tags...))
	for _, tag := range tags {
		s.want(s.tagbump("update", "IMAGE:"+tag, "--env", "production"), 0)
		pushed := time.Now()
		said := make(chan string)
		go func() {
			cmd := exec.Command(world.rig, "argocd", "app", "wait", s.name, "--sync", "--health", "--operation", "--timeout", "120",
				"--plaintext", "--server", world.argocd, "--auth-token", world.token)
			cmd.Env = world.env
			err := cmd.Run()
			after := time.Since(pushed)
			said <- fmt.Sprintf("argocd app wait: yes (%v) after %.2f s, when the cluster had %+v", err, after.Seconds(), s.live("web"))
		}()
		r := s.tagbump("wait", "--env", "production", "--wait", "5m")
		after := time.Since(pushed)
		got := s.live("web")
		t.Log(<-said)
		t.Logf("tagbump wait: yes after %.2f s, when the cluster had %+v", after.Seconds(), got)
		s.want(r, 0, "NAME: done: ")
		if got != (live{tag, true}) {
			t.Fatalf("tagbump said yes when the cluster had %+v, want %s", got, tag)
		}
	}
}
