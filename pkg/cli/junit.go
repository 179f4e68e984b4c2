package cli

import (
	"bytes"
	"errors"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/internal/smallfile"
	"github.com/tagbump/tagbump/pkg/result"
	"github.com/tagbump/tagbump/pkg/rollout"
	"github.com/tagbump/tagbump/pkg/wire"
)

// junitSuite names the report of a wait.
const junitSuite = "tagbump wait"

// checkJUnit refuses a file that is no report of an earlier run, before anything is
// done.
func checkJUnit(w wire.World, file string) error {
	if file == "" {
		return nil
	}
	isXML := func(content []byte) bool { return len(content) == 0 || bytes.HasPrefix(content, []byte("<?xml")) }
	return checkOwnFile("--junit", w.Path(file), file, isXML)
}

// writeJUnit writes the report of a deployment, and returns its failure.
func (d *deployer) writeJUnit(made deployment, failure error) error {
	if d.junit == "" {
		return failure
	}
	made.err = failure
	if err := smallfile.Replace(d.world.Path(d.junit), result.JUnit(junitSuite, made.cases())); err != nil {
		return errors.Join(failure, fault.Errorf(fault.Failed, "--junit: %w", err))
	}
	return failure
}

// cases are a deployment's applications, as tests, and those of the commit that took it
// back. A wait that ended before it found any is one case.
func (d deployment) cases() []result.Case {
	var cases []result.Case
	for _, app := range d.applications {
		one := result.Case{Name: app.ID.String(), Took: d.took}
		if app.State == rollout.Failed || app.State == rollout.Pending {
			one.Failure = app.Reason
		}
		cases = append(cases, one)
	}
	if len(cases) == 0 && d.err != nil {
		cases = append(cases, result.Case{Name: "Argo CD", Took: d.took, Failure: d.err.Error()})
	}
	if d.rollback == nil {
		return cases
	}
	for _, one := range d.rollback.cases() {
		one.Name = "rollback: " + one.Name
		cases = append(cases, one)
	}
	return cases
}
