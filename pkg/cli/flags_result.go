package cli

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/internal/smallfile"
	"github.com/tagbump/tagbump/pkg/result"
)

// resultFlags say where the result goes for the steps after this one.
type resultFlags struct {
	bashEnv      bool
	file, format string
}

func (f *resultFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.bashEnv, "bash-env", false, "add the result to the file that BASH_ENV names, as TAGBUMP_TAG, TAGBUMP_COMMIT and so on, for the next steps of a CircleCI job")
	cmd.Flags().StringVar(&f.file, "result-file", "", "write the result into `FILE`, also after a failure: .json, .env (GitLab's dotenv), .sh, or $GITHUB_OUTPUT")
	cmd.Flags().StringVar(&f.format, "result-format", "", "format of --result-file: `json|shell|dotenv|github` (default: by the file's name)")
	completeWith(cmd, "result-format", result.Formats()...)
	inGroup(cmd, groupOutput, "result-file", "result-format", "bash-env")
}

// bashEnvVariable names the file that bash reads before each script, and CircleCI
// before each step.
const bashEnvVariable = "BASH_ENV"

// prepare refuses files that the result cannot go to, before anything is done.
func (f *resultFlags) prepare(env Env) error {
	if f.bashEnv && env.Getenv(bashEnvVariable) == "" {
		return fault.New(fault.Usage, "--bash-env: BASH_ENV is not set").WithHint("CircleCI sets it in every step; elsewhere give --result-file FILE.sh")
	}
	if f.format != "" {
		if err := oneOf("result-format", f.format, result.Formats()...); err != nil {
			return err
		}
	}
	switch {
	case f.file == "" && f.format != "":
		return fault.New(fault.Usage, "--result-format goes with --result-file")
	case f.file == "":
		return nil
	case f.formatIn(env) == "":
		return fault.Errorf(fault.Usage, "--result-file: %s: the name does not say the format", f.file).
			WithHint("call it .json, .env or .sh, or give --result-format %s", strings.Join(result.Formats(), "|"))
	}
	format := f.formatIn(env)
	if format.Appends() {
		return nil
	}
	return checkOwnFile("--result-file", env.path(f.file), f.file, func(content []byte) bool { return result.IsOurs(format, content) })
}

// checkOwnFile refuses a file that an earlier run did not write: a wrong name must not
// cost somebody's file.
func checkOwnFile(flag, path, shown string, isOurs func(content []byte) bool) error {
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return fault.Errorf(fault.Usage, "%s: %s: there is no such folder", flag, filepath.Dir(shown))
	}
	info, err := os.Stat(path)
	isFile := err == nil && (info.Mode().IsRegular() || info.IsDir()) // and not a pipe or a device
	if !isFile {
		return nil
	}
	content, err := smallfile.ReadRegular(path, smallfile.Text)
	if pathError := new(fs.PathError); errors.As(err, &pathError) {
		err = pathError.Err
	}
	if err != nil {
		return fault.Errorf(fault.Usage, "%s: %s: %w", flag, shown, err)
	}
	if !isOurs(content) {
		return fault.Errorf(fault.Usage, "%s: %s: holds something that tagbump did not write there", flag, shown).
			WithHint("give another name, or remove the file")
	}
	return nil
}

// formatIn returns the format of the result's file, "" when nothing says it.
func (f *resultFlags) formatIn(env Env) result.Format {
	if f.format != "" {
		return result.Format(f.format)
	}
	for _, variable := range []string{"GITHUB_OUTPUT", "GITHUB_ENV"} {
		if f.file == env.Getenv(variable) {
			return result.GitHub
		}
	}
	return result.FormatOf(f.file)
}

// write writes what a run came to where the flags say.
func (f *resultFlags) write(env Env, done conclusion) error {
	r := done.result(env)
	if f.bashEnv {
		if err := env.appendResult(env.Getenv(bashEnvVariable), r, result.Shell); err != nil {
			return fault.Errorf(fault.Failed, "--bash-env: %w; the run itself: %s", err, r.State)
		}
	}
	if f.file == "" {
		return nil
	}
	if err := f.writeFile(env, done, r); err != nil {
		return fault.Errorf(fault.Failed, "--result-file: %w; the run itself: %s", err, r.State)
	}
	return nil
}

func (f *resultFlags) writeFile(env Env, done conclusion, r result.Result) error {
	format := f.formatIn(env)
	if format.Appends() {
		return env.appendResult(f.file, r, format)
	}
	if format == result.JSON {
		content, err := env.encodeJSON(done.document(env))
		if err != nil {
			return err
		}
		return smallfile.Replace(env.path(f.file), []byte(content))
	}
	content, err := env.encodeResult(r, format)
	if err != nil {
		return err
	}
	return smallfile.Replace(env.path(f.file), content)
}

// encodeResult returns a result as variables, with the known secrets masked.
func (env Env) encodeResult(r result.Result, format result.Format) ([]byte, error) {
	content, err := r.Encode(format)
	return []byte(env.secrets.Known(string(content))), err
}

// appendResult adds a result to a file that others write to. Their last line may have
// no end.
func (env Env) appendResult(name string, r result.Result, format result.Format) error {
	content, err := env.encodeResult(r, format)
	if err != nil {
		return err
	}
	path := env.path(name)
	before, err := os.ReadFile(path)
	if err == nil && len(before) > 0 && !bytes.HasSuffix(before, []byte("\n")) {
		content = append([]byte("\n"), content...)
	}
	return smallfile.Append(path, content)
}
