package worktree

import (
	"context"
	"os"
	"strings"
	"time"
)

// userTimeout is how long git may take to read its configuration.
const userTimeout = 5 * time.Second

// User returns user.name and user.email from git's configuration of the user and the
// machine. Each of variables is NAME=VALUE and replaces one of the process: HOME says whose
// configuration is read. A value that is not set is "", and so are both without git.
func User(ctx context.Context, variables ...string) (name, email string) {
	ctx, cancel := context.WithTimeout(ctx, userTimeout)
	defer cancel()
	git := newGit(os.TempDir()).with("GIT_DIR=" + os.DevNull).with(variables...)
	out, err := git.out(ctx, "config", "--null", "--get-regexp", `^user\.(name|email)$`)
	if err != nil {
		return "", "" // it exits with 1 when nothing is set
	}
	for entry := range strings.SplitSeq(out, "\x00") {
		switch key, value, _ := strings.Cut(entry, "\n"); key {
		case "user.name":
			name = value
		case "user.email":
			email = value
		}
	}
	return name, email
}
