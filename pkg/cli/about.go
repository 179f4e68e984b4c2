package cli

import (
	"errors"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/registry"
	"github.com/tagbump/tagbump/pkg/wire"
)

// aboutDoc is what an error is about, in JSON.
type aboutDoc struct {
	Image       string `json:"image,omitempty"`
	Deployed    string `json:"deployed,omitempty"` // the tag in the files
	Wanted      string `json:"wanted,omitempty"`   // the tag that was asked for, or chosen
	Environment string `json:"environment,omitempty"`
}

// urlsDoc has the addresses of the repository and of the commit, in JSON.
type urlsDoc struct {
	RepositoryURL string `json:"repositoryUrl,omitempty"`
	CommitURL     string `json:"commitUrl,omitempty"`
}

func newURLsDoc(place wire.Place, report bump.Report) urlsDoc {
	return urlsDoc{place.WebURL(), place.CommitURL(report.Commit)}
}

// newErrorDoc returns an error in JSON, without secrets.
func (env Env) newErrorDoc(err error) errorDoc {
	return errorDoc{
		Code: exitCode(err), Kind: kindWord(err), aboutDoc: aboutOf(err), Places: newPlacesDocs(err),
		Message: env.secrets.Text(err.Error()), Hint: env.secrets.Text(fault.HintOf(err)),
	}
}

// An aboutError is an error with what its run knows it to be about.
type aboutError struct {
	error
	about aboutDoc
}

func (e aboutError) Unwrap() error { return e.error }

// aboutOf returns what an error itself says that it is about.
func aboutOf(err error) aboutDoc {
	var known aboutError
	if errors.As(err, &known) {
		return known.about
	}
	about := bump.AboutOf(err)
	doc := aboutDoc{Image: about.Image, Deployed: about.Deployed, Wanted: about.Wanted}
	if refused := new(registry.Error); doc.Image == "" && errors.As(err, &refused) {
		ref := image.Split(refused.Where)
		doc.Image, doc.Wanted = ref.Repository, ref.Tag
	}
	return doc
}

// explained returns the error of the run, with the environment, and the image when the
// run has one only.
func (c conclusion) explained() error {
	if !c.failed() {
		return c.err
	}
	doc := aboutOf(c.err)
	doc.Environment = c.request.To
	if images := c.request.Images; doc.Image == "" && len(images) == 1 {
		doc.Image = images[0].Repository
	}
	for _, img := range c.images() {
		if doc.Wanted == "" && img.Repository == doc.Image {
			doc.Wanted = img.Tag
		}
	}
	return aboutError{c.err, doc}
}

// document is the JSON of a conclusion: that of --output json, of a failed run with
// what it did until then.
func (c conclusion) document(env Env) any {
	if c.command == waitName {
		return newWaitDoc(env, c.request.To, c.deployment, c.err)
	}
	doc := c.printer.newReportDoc(c.report)
	doc.Environment, doc.Deployment = c.request.To, newDeploymentDoc(c.deployment)
	if !c.failed() {
		return doc
	}
	return struct {
		reportDoc
		Error errorDoc `json:"error"`
	}{doc, env.newErrorDoc(c.explained())}
}
