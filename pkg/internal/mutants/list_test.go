package main

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

const list = `Comments.

=== calc/plus: adds nothing
file: calc.go
rating: high
test: . -run TestAdd
--- old
	return a + b
--- new
	return a

=== calc/two-lines: forgets the check
file: calc.go
rating: low
test: .
--- old
	if b == 0 {
		return 0
	}
--- new
`

func TestParse(t *testing.T) {
	got, err := Parse("list", list)
	want := []Mutation{
		{"calc/plus", "adds nothing", "calc.go", "high", []string{".", "-run", "TestAdd"}, "\treturn a + b", "\treturn a"},
		{"calc/two-lines", "forgets the check", "calc.go", "low", []string{"."}, "\tif b == 0 {\n\t\treturn 0\n\t}", ""},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"=== a: b\nfile: x\nrating: high\ntest: .\n":                                          "list: a: needs --- old and --- new",
		"=== a: b\nfile: x\nrating: huge\ntest: .\n--- old\nx\n--- new\n":                     "list: a: needs a description, file, test and rating (high, medium, low)",
		"=== a: b\nfile: x\nrating: low\ncolour: red\n--- old\nx\n--- new\n":                  `list: a: unknown line "colour: red"`,
		list + "\n=== calc/plus: again\nfile: x\nrating: low\ntest: .\n--- old\nx\n--- new\n": "list: calc/plus: the ID is used twice",
	} {
		if _, err := Parse("list", text); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// calc is a module with one guard that its test holds and one that it does not.
var calc = map[string]string{
	"go.mod":       "module calc\n\ngo 1.25\n",
	"calc.go":      "package calc\n\nimport \"time\"\n\nvar _ = time.Now\n\nfunc Add(a, b int) int {\n\treturn a + b\n}\n\nfunc Div(a, b int) int {\n\tif b == 0 {\n\t\treturn 0\n\t}\n\treturn a / b\n}\n",
	"calc_test.go": "package calc\n\nimport \"testing\"\n\nfunc TestAdd(t *testing.T) {\n\tif Add(1, 2) != 3 {\n\t\tt.Error(\"wrong\")\n\t}\n}\n",
}

func TestTestSaysWhetherAMutationIsKilled(t *testing.T) {
	dir := folder(t, calc)
	mutations, err := Parse("list", list)
	if err != nil {
		t.Fatal(err)
	}
	broken := mutations[0]
	broken.New = "return nil"
	untested := mutations[0]
	untested.Test = []string{".", "-run", "TestOther"}
	hung := mutations[0]
	hung.New = "\ttime.Sleep(time.Hour)\n\treturn a"
	for i, test := range []struct {
		mutation Mutation
		want     State
	}{{hung, Hung}, {mutations[0], Killed}, {mutations[1], Survived}, {broken, Broken}, {untested, Broken}} {
		if got := testMutation(dir, test.mutation); got.State != test.want {
			t.Errorf("%d: %s: got %s, want %s\n%s", i, test.mutation.ID, got.State, test.want, got.Output)
		}
		if after, _ := os.ReadFile(filepath.Join(dir, "calc.go")); string(after) != calc["calc.go"] {
			t.Errorf("%d: the mutation was not undone:\n%s", i, after)
		}
	}
}

func testMutation(dir string, m Mutation) Result {
	return test(context.Background(), dir, m, 5*time.Second)
}

func TestCheckAllNamesWhatDoesNotApply(t *testing.T) {
	dir := folder(t, calc)
	mutations, err := Parse("list", strings.Replace(list, "a + b", "a + c", 1))
	if err != nil {
		t.Fatal(err)
	}
	err = checkAll(dir, mutations)
	if want := "calc/plus: calc.go: the old text was found 0 times, must be 1"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
