// Command editors makes the same tag edit with tagbump and with the editors
// that other tools are built on, in every file of a folder, and prints how much
// else each of them changes and how long it takes.
//
// What it judges by is its own: both texts are decoded with yaml.v3 and every
// node but the target must be the same; lines are counted as git counts them. It
// fails, with exit code 1, when tagbump's edit is not minimal in every file.
// One trap: tagbump verifies its result (a second parse and a comparison) and
// the others do not, so there is a row for tagbump without that as well.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/tagbump/tagbump/testdata/bench/corpus"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

var errNotMinimal = errors.New("tagbump's edits are not all minimal")

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("editors", flag.ContinueOnError)
	dir := flags.String("corpus", "../../pkg/plan/testdata", "folder of YAML files and .txtar fixtures")
	tag := flags.String("tag", "9.8.7", "tag that is written")
	repeat := flags.Int("repeat", 5, "how often each edit is timed; the best counts")
	crlf := flags.Bool("crlf", false, "end every line of the corpus with CR LF")
	blame := flags.Bool("blame", false, "list every edit that failed or went wrong")
	if err := flags.Parse(args); err != nil {
		return err
	}
	files, err := corpus.Read(*dir)
	if err != nil {
		return err
	}
	for i := range files {
		if *crlf {
			files[i].Text = corpus.WithCRLF(files[i].Text)
		}
	}
	found := corpus.Collect(files, *tag)
	if len(found.Samples) == 0 {
		return fmt.Errorf("%s: no file with an image's tag that can be changed", *dir)
	}
	results, err := compare(ctx, found.Samples, *repeat)
	if err != nil {
		return err
	}
	report{out: out, corpus: found, tag: *tag, results: results}.print()
	if *blame {
		printBlame(out, results)
	}
	if !results[0].allMinimal() {
		printBlame(out, results[:1])
		return errNotMinimal
	}
	return nil
}
