package cli

import "testing"

// A flag of another tool, or one that is spelt almost right, is answered with the one
// that is meant.
func TestFlagThatIsMeant(t *testing.T) {
	for given, meant := range map[string]string{
		"update --dryrun":         "; did you mean --dry-run?",
		"update --dry_run":        "; did you mean --dry-run?",
		"update --noverify":       "; did you mean --no-verify?",
		"update --environment x":  "; did you mean --env?",
		"update --json":           "; did you mean --output json?",
		"update --no-color":       "; did you mean --color never?",
		"update --version 1.2":    "; did you mean --tag?",
		"update --merge-request":  "; did you mean --pr?",
		"rollback --tag 1.2":      "; did you mean --to?",
		"history --json":          "; did you mean --output json?",
		"version --json":          "",
		"resolve --merge-request": "",
	} {
		words := words(given)
		_, _, errs := runFor(t, Env{}, words...)
		flag := words[1]
		want := "error: " + flag + ": tagbump " + words[0] + " has no such flag" + meant +
			"\nhint: tagbump " + words[0] + " --help lists the flags\n"
		if errs != want {
			t.Errorf("%s:\n%swant\n%s", given, errs, want)
		}
	}
}
