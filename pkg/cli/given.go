package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/image"
)

// Text that is given on the command line and empty comes from a variable that
// is not set. The run stops then: it would otherwise do something else than
// was meant, such as changing all environments instead of one.

// checkFlagsGiven refuses a flag of the command line that is given without text.
func checkFlagsGiven(cmd *cobra.Command) error {
	var failed error
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		for _, text := range textsOf(flag.Value) {
			if failed == nil && isBlank(text) {
				failed = fault.Errorf(fault.Usage, "--%s: is empty", flag.Name).
					WithHint("is the variable set? leave the flag out for the default")
			}
		}
	})
	return failed
}

// checkFlagsOnce refuses a flag for one text that the command line gives twice, with
// different texts. args are those of the whole command line.
func checkFlagsOnce(cmd *cobra.Command, args []string) error {
	_, rest, err := cmd.Root().Find(args)
	if err != nil {
		return nil // the caller has found the command
	}
	first := map[string]string{}
	var failed error
	_ = cmd.Flags().ParseAll(rest, func(flag *pflag.Flag, text string) error { // it was parsed before
		before, again := first[flag.Name]
		if flag.Value.Type() == "string" && again && before != text && failed == nil {
			failed = fault.Errorf(fault.Usage, "--%s: is given twice: %q and %q", flag.Name, before, text)
		}
		first[flag.Name] = text
		return nil
	})
	return failed
}

// textsOf returns the texts that a flag holds; none for a flag of another type,
// which pflag itself checks.
func textsOf(value pflag.Value) []string {
	if list, ok := value.(pflag.SliceValue); ok {
		return list.GetSlice()
	}
	if value.Type() == "string" {
		return []string{value.String()}
	}
	return nil
}

func isBlank(text string) bool { return strings.TrimSpace(text) == "" }

// imageArgs takes IMAGE[:TAG][@DIGEST] arguments and refuses one that has an
// empty part. The rest of an argument's grammar is checked where it is read.
func imageArgs(cmd *cobra.Command, args []string) error {
	for _, arg := range args {
		if err := checkImageGiven(arg); err != nil {
			return err
		}
	}
	return checkOptionalValues(cmd, args)
}

// checkOptionalValues refuses an argument that was meant as the value of a flag whose value
// is optional: --pr auto would propose an image of that name.
func checkOptionalValues(cmd *cobra.Command, args []string) error {
	var failed error
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		if value, _ := pflag.UnquoteUsage(flag); flag.NoOptDefVal != "" && slices.Contains(args, value) {
			failed = fault.Errorf(fault.Usage, "%q is read as an image", value).WithHint("write --%s=%s", flag.Name, value)
		}
	})
	return failed
}

func checkImageGiven(arg string) error {
	tagged, digest, pinned := strings.Cut(arg, "@")
	name, untagged := strings.CutSuffix(tagged, ":")
	empty, without := "", name
	switch {
	case isBlank(arg):
		return fault.New(fault.Usage, "an image argument is empty").WithHint("is the variable set?")
	case isBlank(image.Split(arg).Repository):
		return fault.Errorf(fault.Usage, "%q: the image's name is empty", arg).WithHint("is the variable set?")
	case untagged:
		empty = "tag"
	case pinned && isBlank(digest):
		empty, without = "digest", tagged
	default:
		return nil
	}
	return fault.Errorf(fault.Usage, "%q: the %s is empty", arg, empty).
		WithHint("is the variable set? write %s for an image without a %s", without, empty)
}

// oneImage takes exactly one image.
func oneImage(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fault.Errorf(fault.Usage, "%s takes one image, not %d", cmd.CommandPath(), len(args)).
			WithHint("%s IMAGE[:TAG]", cmd.CommandPath())
	}
	return imageArgs(cmd, args)
}
