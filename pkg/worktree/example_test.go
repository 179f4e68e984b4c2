package worktree_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/worktree"
)

func ExampleDir() {
	folder, err := os.MkdirTemp("", "example-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	for _, name := range []string{"values.yaml", "values-live.yaml"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("tag: 1\n"), 0o644); err != nil {
			panic(err)
		}
	}

	dir, err := worktree.Open(folder)
	if err != nil {
		panic(err)
	}
	defer func() { _ = dir.Close() }()
	fsys, err := dir.Read(context.Background(), files.MustSelect("values-*.yaml"))
	if err != nil {
		panic(err)
	}
	names, _ := fs.Glob(fsys, "*")
	fmt.Println(names)

	if err := dir.Write(map[string][]byte{"values-live.yaml": []byte("tag: 2\n")}); err != nil {
		panic(err)
	}
	text, _ := fs.ReadFile(fsys, "values-live.yaml")
	fmt.Print(string(text))
	// Output:
	// [values-live.yaml]
	// tag: 2
}
