package bump

import (
	"errors"
	"fmt"
	"testing"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
)

func TestAboutOf(t *testing.T) {
	stale := staleError{
		target:   plan.Target{Current: image.Ref{Repository: "acme/web", Tag: "1.5.0"}},
		resolved: Resolved{Repository: "acme/web", Tag: "1.4.0"},
	}
	for name, c := range map[string]struct {
		err  error
		want About
	}{
		"older":            {fmt.Errorf("production: %w", stale), About{"acme/web", "1.5.0", "1.4.0"}},
		"not of policy":    {mismatchError{repository: "acme/web", tag: "pr-7"}, About{Image: "acme/web", Wanted: "pr-7"}},
		"another commit":   {revisionError{ref: image.Ref{Repository: "acme/web", Tag: "1"}}, About{Image: "acme/web", Wanted: "1"}},
		"no commit":        {noRevisionError{img: Image{Repository: "acme/web"}}, About{Image: "acme/web"}},
		"several places":   {&EnvironmentsError{Image: "acme/web", Tag: "1"}, About{Image: "acme/web", Wanted: "1"}},
		"not in the files": {absentError{repository: "acme/web"}, About{Image: "acme/web"}},
		"wrong request":    {&FieldError{Image: "acme/web"}, About{Image: "acme/web"}},
		"the first counts": {errors.Join(errors.New("x"), stale, mismatchError{repository: "acme/api"}), About{"acme/web", "1.5.0", "1.4.0"}},
		"any other error":  {errors.New("x"), About{}},
		"none":             {nil, About{}},
	} {
		if got := AboutOf(c.err); got != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
