package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAProjectFileThatAppearsMeanwhileStays holds that a file which somebody writes
// while a person is asked is not lost.
func TestAProjectFileThatAppearsMeanwhileStays(t *testing.T) {
	name := filepath.Join(t.TempDir(), ".tagbump.yaml")
	if err := os.WriteFile(name, []byte("theirs\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		force bool
		err   error
		want  string
	}{
		{false, fs.ErrExist, "theirs\n"},
		{true, nil, "ours\n"},
	} {
		if err := writeNew(name, "ours\n", test.force); !errors.Is(err, test.err) {
			t.Errorf("force %t: %v, want %v", test.force, err, test.err)
		}
		content, err := os.ReadFile(name)
		if err != nil || string(content) != test.want {
			t.Errorf("force %t: %q, %v, want %q", test.force, content, err, test.want)
		}
	}
}

func TestAnInitIsAgreedTo(t *testing.T) {
	for answer, want := range map[string]bool{"\n": true, "y\n": true, "Yes\n": true, "n\n": false, "no\n": false, "what?\n": false, "": false, "y": false} {
		if got := agrees(strings.NewReader(answer)); got != want {
			t.Errorf("%q: %v, want %v", answer, got, want)
		}
	}
}
