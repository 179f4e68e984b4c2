// A Gitea for tests. A module of its own, so that make test and go vet ./... leave it alone.
module github.com/tagbump/tagbump/testdata/gitea

go 1.25.0
