package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/gitrepo"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// past prints what looking into the past of the monorepo costs, beside reading its tip.
// Requests and bytes are those of the server.
func past(bed string) error {
	server, err := testenv.ServeGit(bed, token)
	if err != nil {
		return err
	}
	defer func() { _ = server.Close() }()
	open := func(recent int) (*gitrepo.Repo, error) {
		return gitrepo.Open(server.RepoURL("mono.git"), gitrepo.Options{Token: token, Recent: recent})
	}
	tell := func(what string) {
		sent := int64(0)
		requests := server.Requests()
		for _, r := range requests {
			sent += r.Out
		}
		fmt.Printf("%-48s %2d requests %8.1f kB\n", what, len(requests), float64(sent)/1000)
		server.Forget()
	}
	ctx, wanted := context.Background(), files.MustSelect(monoTarget)
	for _, recent := range []int{0, 50} {
		repo, err := open(recent)
		if err != nil {
			return err
		}
		if _, err := repo.Read(ctx, gitrepo.Revision{Branch: "main"}, wanted); err != nil {
			return err
		}
		tell(fmt.Sprintf("the tip's file, with the last %d commits", recent))
		if recent == 0 {
			continue
		}
		commits, err := repo.Log(ctx, gitrepo.Revision{Branch: "main"}, nil, recent)
		if err != nil {
			return err
		}
		server.Forget()
		if _, err := repo.Read(ctx, gitrepo.Revision{Commit: commits[1].Hash}, wanted); err != nil {
			return err
		}
		tell("and the file in the commit before (trailers)")
	}
	for _, most := range []int{50, 200, 500, 2001} {
		repo, err := open(0)
		if err != nil {
			return err
		}
		if _, err := repo.History(ctx, gitrepo.Revision{Branch: "main"}, []string{monoTarget}, most); err != nil {
			return err
		}
		tell(fmt.Sprintf("the file in each of %d commits", most))
	}
	return nil
}

// pastIn makes the repositories where they are missing.
func pastIn(dir string) error {
	if err := makeBed(dir); err != nil {
		return err
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	return past(abs)
}
