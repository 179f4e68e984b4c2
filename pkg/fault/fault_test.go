package fault_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/tagbump/tagbump/pkg/fault"
)

var errDenied = fault.New(fault.NoAccess, "access denied")

// advised is an error of another package that has a hint.
type advised string

func (a advised) Error() string { return "the disk is full" }
func (a advised) Hint() string  { return string(a) }

func TestKindAndHintOfAnError(t *testing.T) {
	missing := fault.New(fault.NotFound, "no such file")
	for name, test := range map[string]struct {
		err  error
		text string
		kind fault.Kind
		hint string
	}{
		"of no kind":                     {io.EOF, "EOF", fault.Failed, ""},
		"a kind alone":                   {fault.Guard, "refused by a guard", fault.Guard, ""},
		"a sentinel":                     {errDenied, "access denied", fault.NoAccess, ""},
		"with a hint":                    {errDenied.WithHint("set %s", "TOKEN"), "access denied", fault.NoAccess, "set TOKEN"},
		"wrapped":                        {fmt.Errorf("a.example: %w", errDenied.WithHint("log in")), "a.example: access denied", fault.NoAccess, "log in"},
		"the outer kind counts":          {fault.Errorf(fault.Usage, "--config: %w", missing), "--config: no such file", fault.Usage, ""},
		"the inner hint shows through":   {fault.Errorf(fault.Usage, "--config: %w", missing.WithHint("make it")), "--config: no such file", fault.Usage, "make it"},
		"the outer hint counts":          {fault.Errorf(fault.Usage, "--config: %w", missing.WithHint("make it")).WithHint("leave it out"), "--config: no such file", fault.Usage, "leave it out"},
		"an empty hint is not one":       {fault.Errorf(fault.Refused, "x: %w", advised("")), "x: the disk is full", fault.Refused, ""},
		"another package's hint":         {fault.Errorf(fault.Refused, "x: %w", advised("remove a file")), "x: the disk is full", fault.Refused, "remove a file"},
		"an error that is given a kind":  {fault.As(fault.Unavailable, advised("wait")), "the disk is full", fault.Unavailable, "wait"},
		"joined: the first kind counts":  {errors.Join(io.EOF, missing, errDenied), "EOF\nno such file\naccess denied", fault.NotFound, ""},
		"joined: the first hint counts":  {errors.Join(missing, errDenied.WithHint("b"), errDenied.WithHint("c")), "no such file\naccess denied\naccess denied", fault.NotFound, "b"},
		"an unknown kind still has text": {fault.Kind(99), "kind 99", fault.Kind(99), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.err.Error(); got != test.text {
				t.Errorf("text %q, want %q", got, test.text)
			}
			if got := fault.KindOf(test.err); got != test.kind {
				t.Errorf("kind %v, want %v", got, test.kind)
			}
			if got := fault.HintOf(test.err); got != test.hint {
				t.Errorf("hint %q, want %q", got, test.hint)
			}
		})
	}
}

func TestEveryKindHasAWordForPrograms(t *testing.T) {
	for kind, want := range []string{"failed", "usage", "guard", "not-found", "no-access", "unavailable", "refused", "not-deployed"} {
		if got := fault.Kind(kind).Word(); got != want {
			t.Errorf("%d: %q, want %q", kind, got, want)
		}
	}
	if got := fault.Kind(99).Word(); got != "kind-99" {
		t.Errorf("got %q", got)
	}
}

func TestNilHasNoKind(t *testing.T) {
	if kind, hint := fault.KindOf(nil), fault.HintOf(nil); kind != fault.Failed || hint != "" {
		t.Errorf("got %v, %q", kind, hint)
	}
	if err := fault.As(fault.Usage, nil); err != nil {
		t.Errorf("As made %v of nil", err)
	}
}

func TestSentinelsOfOneKindDiffer(t *testing.T) {
	other := fault.New(fault.NoAccess, "access denied")
	err := fmt.Errorf("a.example: %w", errDenied.WithHint("log in"))
	if !errors.Is(err, errDenied) || !errors.Is(err, fault.NoAccess) {
		t.Error("the sentinel or its kind is lost")
	}
	if errors.Is(err, other) || errors.Is(err, fault.NotFound) {
		t.Error("another sentinel or kind is found")
	}
}

func TestEveryKindHasAName(t *testing.T) {
	seen := map[string]bool{}
	for kind := fault.Failed; kind <= fault.NotDeployed; kind++ {
		if name := kind.Error(); name == "" || seen[name] {
			t.Errorf("kind %d: name %q", int(kind), name)
		} else {
			seen[name] = true
		}
	}
}

func Example() {
	errMissing := fault.New(fault.NotFound, "no such tag")
	err := fmt.Errorf("ghcr.io/acme/web:1.4.2: %w", errMissing.WithHint("--wait-for-tag 2m waits for it"))

	fmt.Println("error:", err)
	fmt.Println("hint:", fault.HintOf(err))
	fmt.Println(fault.KindOf(err) == fault.NotFound, errors.Is(err, errMissing))
	// Output:
	// error: ghcr.io/acme/web:1.4.2: no such tag
	// hint: --wait-for-tag 2m waits for it
	// true true
}
