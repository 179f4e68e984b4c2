package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/image"
)

// The most that is read of a list of tags. Docker Hub's longest lists have some
// hundred thousand.
const (
	maxTags  = 1_000_000
	maxPages = 20_000
	pageSize = 1000 // larger ones are refused by some registries, cut down by others
)

// TagsWithPrefix returns the tags that begin with prefix, sorted, and maybe some
// others. It reads every page of the registry's list, except where the pages so far
// prove that the registry lists tags byte by byte: there it leaves out pages that
// cannot hold such a tag, and reads them after all if it then has no tag with the
// prefix. A page that is missing is an error, and so is a list without an end.
//
// A repository that does not exist is [ErrNotFound], and so is one without tags; one
// without a tag of that prefix is not an error. Names that cannot be tags are left out.
func (c *Client) TagsWithPrefix(ctx context.Context, repository, prefix string) ([]string, error) {
	repo, err := c.parseRepository(repository)
	if err != nil {
		return nil, err
	}
	l := listing{session: c.session(repo), params: url.Values{"n": {fmt.Sprint(pageSize)}}, prefix: newShortcut(prefix)}
	err = l.read(ctx)
	if err == nil && l.isCut && !slices.ContainsFunc(l.tags, func(tag string) bool { return strings.HasPrefix(tag, prefix) }) {
		l = listing{session: l.session, params: l.params}
		err = l.read(ctx)
	}
	if err != nil {
		return nil, explain(repository, err)
	}
	if len(l.tags) == 0 {
		return nil, &Error{Where: repository, What: "the repository has no tags", kind: ErrNotFound}
	}
	tags := slices.DeleteFunc(l.tags, func(tag string) bool { return image.CheckTag(tag) != nil })
	if left := len(l.tags) - len(tags); left > 0 {
		c.log("%s: the registry lists %d names that cannot be tags, left out", repository, left)
	}
	slices.Sort(tags)
	return slices.Compact(tags), nil
}

// A listing reads a repository's tags page by page.
type listing struct {
	session *session
	params  url.Values // of a page without a place to start
	prefix  shortcut

	tags   []string
	order  orderProof
	isCut  bool            // pages were left out
	seen   map[string]bool // the pages that were asked for
	pages  int
	stalls int // pages without a tag
}

var errPageLoop = &failure{what: "its pages of tags go around in a circle"}

// A tagPage is one page of a list, and where the next one is.
type tagPage struct {
	tags []string
	next url.Values // nil: this is the last page
	at   *url.URL   // that answered
}

// read reads the pages that are needed.
func (l *listing) read(ctx context.Context) error {
	l.seen = map[string]bool{}
	page, err := l.first(ctx)
	for err == nil {
		if err := l.keep(page); err != nil {
			return err
		}
		switch {
		case page.next == nil:
			return nil
		case l.order.isProven() && l.prefix.isBefore(l.order.last):
			l.isCut = true
			return nil
		case l.order.isProven() && !l.isCut && l.prefix.isBehind(l.order.last):
			page, err = l.jump(ctx, page)
		default:
			page, err = l.page(ctx, page.next, page.at)
		}
	}
	return err
}

// keep adds the tags of a page, within the bounds.
func (l *listing) keep(page tagPage) error {
	l.tags = append(l.tags, page.tags...)
	l.order.note(page.tags)
	if l.pages++; len(page.tags) == 0 {
		l.stalls++
	}
	if len(l.tags) > maxTags || l.pages > maxPages || l.stalls > 10 {
		return &failure{what: "the list of tags has no end", why: fmt.Sprintf("%d tags on %d pages so far", len(l.tags), l.pages)}
	}
	return nil
}

// first gets the first page. A registry that refuses the page's size, instead of
// cutting it down, is asked without one.
func (l *listing) first(ctx context.Context) (tagPage, error) {
	page, err := l.page(ctx, l.params, nil)
	if hasStatus(err, http.StatusBadRequest) && len(l.params) > 0 {
		l.params = url.Values{}
		return l.page(ctx, l.params, nil)
	}
	return page, err
}

// jump goes on with the page where the prefix begins. "last" then names a tag that
// does not exist. Where the registry refuses that, or answers with anything but tags
// behind it, the list goes on with the page after from.
func (l *listing) jump(ctx context.Context, from tagPage) (tagPage, error) {
	params := url.Values{"last": {l.prefix.last()}}
	for key, values := range l.params {
		params[key] = values
	}
	page, err := l.page(ctx, params, nil)
	var refused *refusal
	isHonoured := err == nil && len(page.tags) > 0 && slices.Min(page.tags) > l.prefix.last()
	switch {
	case isHonoured:
		l.isCut = true
		return page, nil
	case err != nil && !errors.As(err, &refused):
		return tagPage{}, err
	}
	l.prefix = shortcut{}
	return l.page(ctx, from.next, from.at)
}

// page gets one page. at is the address that answered the page before, which a
// redirect may have changed.
func (l *listing) page(ctx context.Context, params url.Values, at *url.URL) (tagPage, error) {
	if key := params.Encode(); l.seen[key] {
		return tagPage{}, errPageLoop
	} else if len(params) > 0 || l.pages > 0 {
		l.seen[key] = true
	}
	resp, err := l.session.do(ctx, query{method: http.MethodGet, path: "tags/list", params: params, at: at})
	if err != nil {
		return tagPage{}, err
	}
	var body struct {
		Tags []string `json:"tags"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		return tagPage{}, &failure{what: "the registry's answer is not a list of tags", why: "from " + resp.Request.URL.Host}
	}
	return tagPage{tags: body.Tags, next: nextPage(resp.Header.Values("Link")), at: resp.Request.URL}, nil
}

// nextPage returns the query of the link to the next page (RFC 8288, rel=next, or a
// link without rel), or nil. The rest of the link is not believed: Artifactory leaves
// the repository's key out of it, registries behind a proxy write another scheme,
// port or host, and a hostile one could send us anywhere.
func nextPage(headers []string) url.Values {
	for _, header := range headers {
		for link := range strings.SplitSeq(header, ",") {
			target, parameters, closed := strings.Cut(strings.TrimSpace(link), ">")
			target, opened := strings.CutPrefix(target, "<")
			parameters = strings.ToLower(strings.ReplaceAll(parameters, `"`, ""))
			isNext := !strings.Contains(parameters, "rel=") || strings.Contains(parameters, "rel=next")
			if !closed || !opened || !isNext {
				continue
			}
			_, query, _ := strings.Cut(target, "?")
			query, _, _ = strings.Cut(query, "#")
			params, err := url.ParseQuery(query)
			if err == nil {
				return params
			}
		}
	}
	return nil
}
