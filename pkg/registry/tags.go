package registry

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Tags returns all tags of a repository, sorted. A repository that does not exist is
// [ErrNotFound], and so is one without tags. A list of which a page is missing is an error.
func (c *Client) Tags(ctx context.Context, repository string) ([]string, error) {
	return c.TagsWithPrefix(ctx, repository, "")
}

// TagsWithPrefix returns the tags that begin with prefix, sorted, and maybe some
// others: it is Tags with the pages left out that cannot hold such a tag. That is
// done only where the pages at hand show that the registry lists tags in ASCII
// order, and undone when the registry turns out to have another idea. No tag at
// all, in the whole repository, is [ErrNotFound]; none with the prefix is no error.
func (c *Client) TagsWithPrefix(ctx context.Context, repository, prefix string) ([]string, error) {
	repo, err := c.parseRepository(repository)
	if err != nil {
		return nil, err
	}
	l := &listing{client: c, repo: repo, prefix: prefix}
	tags, err := l.read(ctx)
	if err != nil {
		return nil, explain(repository, err)
	}
	if len(tags) == 0 {
		return nil, &Error{Where: repository, What: "the repository has no tags", kind: ErrNotFound}
	}
	slices.Sort(tags)
	return slices.Compact(tags), nil
}

// A listing reads a repository's tags page by page.
type listing struct {
	client *Client
	repo   name.Repository
	prefix string

	first   firstPage
	lister  *remote.Lister
	tags    []string
	largest string // the last tag so far, if each came after the one before
	sorted  bool   // so far each tag came after the one before
	jumped  bool
	seen    map[string]bool // links that were followed
}

func (l *listing) read(ctx context.Context) ([]string, error) {
	if err := l.open(ctx, firstPage{}); err != nil {
		return nil, err
	}
	for l.lister.HasNext() {
		page, err := l.lister.Next(ctx)
		if err != nil {
			return nil, err
		}
		l.keep(page.Tags)
		switch {
		case l.jumped && (!l.sorted || len(page.Tags) == 0 && l.largest == l.first.last):
			// Not in ASCII order after all, or "last" has to be a tag that exists.
			l.prefix = ""
			err = l.open(ctx, firstPage{})
		case page.Next == "" || l.isPast():
			return l.tags, nil
		case l.seen[page.Next]:
			return nil, errPageLoop
		case l.isBefore():
			err = l.jump(ctx)
		default:
			l.seen[page.Next] = true
		}
		if err != nil {
			return nil, err
		}
	}
	return l.tags, nil
}

// open starts a list anew, at the page that is described by first.
func (l *listing) open(ctx context.Context, first firstPage) error {
	lister, err := l.client.puller.Lister(context.WithValue(ctx, firstPageKey{}, first), l.repo)
	var answer *transport.Error
	if errors.As(err, &answer) && answer.StatusCode == http.StatusBadRequest && !first.anySize {
		first.anySize = true // a registry that refuses n=1000 instead of cutting it down
		return l.open(ctx, first)
	}
	if err != nil {
		return err
	}
	l.first, l.lister, l.seen = first, lister, map[string]bool{}
	l.jumped = first.last != ""
	if !l.jumped {
		l.tags, l.sorted, l.largest = nil, true, ""
	}
	return nil
}

func (l *listing) keep(tags []string) {
	for _, tag := range tags {
		l.sorted = l.sorted && tag > l.largest
		l.largest = tag
	}
	l.tags = append(l.tags, tags...)
}

// isPast reports whether no tag with the prefix can follow.
func (l *listing) isPast() bool {
	return l.prefix != "" && l.sorted && l.largest > l.prefix && !strings.HasPrefix(l.largest, l.prefix)
}

// isBefore reports whether the next page is worth skipping, to the prefix.
func (l *listing) isBefore() bool {
	return l.prefix != "" && l.sorted && !l.jumped && l.largest < before(l.prefix)
}

// jump goes on with the page where the prefix begins.
func (l *listing) jump(ctx context.Context) error {
	first := firstPage{last: before(l.prefix), anySize: l.first.anySize}
	if err := l.open(ctx, first); err != nil {
		return err
	}
	l.largest = first.last
	return nil
}

// before is a text behind all tags that come before the prefix, and in front of those
// that begin with it. The tilde comes behind every character that a tag can have.
func before(prefix string) string {
	return prefix[:len(prefix)-1] + string(rune(prefix[len(prefix)-1]-1)) + "~"
}

// firstPage is what the library cannot say of a list's first page. The carrier
// reads it out of the request's context.
type firstPage struct {
	last    string // start behind this tag
	anySize bool   // let the registry choose the page's size
}

type firstPageKey struct{}

// adjust returns req as the firstPage in its context wants it.
func adjust(req *http.Request) *http.Request {
	first, ok := req.Context().Value(firstPageKey{}).(firstPage)
	if !ok || first == (firstPage{}) || !strings.HasSuffix(req.URL.Path, "/tags/list") || req.URL.Query().Has("last") {
		return req
	}
	query := req.URL.Query()
	if first.last != "" {
		query.Set("last", first.last)
	}
	if first.anySize {
		query.Del("n")
	}
	return withQuery(req, query)
}

func withQuery(req *http.Request, query url.Values) *http.Request {
	req = req.Clone(req.Context())
	req.URL.RawQuery = query.Encode()
	return req
}
