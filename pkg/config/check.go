package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/giturl"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/notify"
	"github.com/tagbump/tagbump/pkg/record"
)

var (
	// Names of Kubernetes objects, and a host with its port and perhaps a path.
	objectPattern      = lazyregexp.New(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)
	applicationPattern = lazyregexp.New(`^([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)
	serverPattern      = lazyregexp.New(`^(https?://)?[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?(/[A-Za-z0-9._/-]*)?$`)

	environmentPattern = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

	// What git check-ref-format(1) refuses in a branch's name.
	notInBranch = lazyregexp.New(`[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|$)|^[-./]|[./]$|^@$`)
)

// checkRepository refuses an address that no command could use, and credentials: the
// file is committed.
func checkRepository(repository string) error {
	address, err := giturl.Parse(repository)
	var invalid *giturl.Error
	switch {
	case errors.As(err, &invalid):
		return errors.New(invalid.Why)
	case err != nil:
		return err
	case address.HasCredentials():
		return errors.New("has credentials in it; they belong in the environment (GITHUB_TOKEN)")
	}
	return nil
}

func checkBranch(branch string) error {
	if short, found := strings.CutPrefix(branch, "refs/heads/"); found {
		return fmt.Errorf("%q: write the short name, %q", branch, short)
	}
	if notInBranch.MatchString(branch) {
		return fmt.Errorf("%q: git does not allow this as a branch's name", branch)
	}
	return nil
}

// checkTitle refuses line breaks, which no forge's title can have.
func checkTitle(title string) error {
	if strings.ContainsAny(title, "\r\n") {
		return errors.New("has more than one line")
	}
	return nil
}

// checkAPI refuses what cannot be the root of an API, and credentials in it.
func checkAPI(text string) error {
	address, err := url.Parse(text)
	switch {
	case err != nil, address.Scheme != "https" && address.Scheme != "http", address.Host == "":
		return errors.New("must begin with https:// and a host")
	case address.User != nil:
		return errors.New("has credentials in it; they belong in the environment")
	case address.RawQuery != "", address.Fragment != "":
		return errors.New("must have no query and no fragment")
	}
	return nil
}

func checkImageName(name string) error {
	if ref := image.Split(name); ref.Tag != "" || ref.Digest != "" {
		return fmt.Errorf("has a tag or digest; write %q", ref.Repository)
	}
	return image.CheckRepository(name)
}

func checkAuthor(author string) error {
	_, err := record.ParseAuthor(author)
	return err
}

func checkNotifyText(text string) error {
	_, err := notify.ParseText(text)
	return err
}

func checkVia(via string) error {
	if !slices.Contains([]string{"git", "api", "auto"}, via) {
		return errors.New("is not one of git, api, auto")
	}
	return nil
}

func checkEnvironmentName(name string) error {
	if !environmentPattern.MatchString(name) {
		return errors.New("not an environment's name; use letters, digits, and . _ - between them")
	}
	return nil
}

// checkGlob refuses a path that is not clean, although [files.ParseGlob] cleans
// it: a project file is read by people, too.
func checkGlob(text string) error {
	glob, err := files.ParseGlob(text)
	if err == nil && glob.String() != text {
		err = fmt.Errorf("%q: write %q", text, glob)
	}
	return err
}

// checkFile is checkGlob for a path without wildcards.
func checkFile(text string) error {
	if glob, err := files.ParseGlob(text); err == nil && !glob.IsLiteral() {
		return fmt.Errorf("%q: must name one file, without wildcards", text)
	}
	return checkGlob(text)
}

// checkPath puts what a key path's error shows with a caret into one line.
func checkPath(text string) error {
	_, err := keypath.Parse(text)
	if wrong := new(keypath.SyntaxError); errors.As(err, &wrong) {
		return fmt.Errorf("%q is not a key path: %s at character %d", text, wrong.Why, wrong.Offset+1)
	}
	return err
}

// checkServer refuses what cannot be an Argo CD, and credentials with it.
func checkServer(server string) error {
	if !serverPattern.MatchString(server) {
		return errors.New("not a server; write HOST, HOST:PORT or https://HOST")
	}
	return nil
}

func checkObjectName(name string) error {
	if !objectPattern.MatchString(name) {
		return fmt.Errorf("%q: not a name of Kubernetes; use small letters, digits, and . - between them", name)
	}
	return nil
}

func checkApplication(name string) error {
	if !applicationPattern.MatchString(name) {
		return fmt.Errorf("%q: not an application; write NAME, or NAMESPACE/NAME", name)
	}
	return nil
}
