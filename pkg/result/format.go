package result

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"
)

// A Format is how a result is written. Its text is the format's name.
type Format string

// The formats.
const (
	// JSON is the document that --output json prints. This package does not write it.
	JSON Format = "json"
	// Shell is export NAME='VALUE', for a POSIX shell to read.
	Shell Format = "shell"
	// Dotenv is NAME=VALUE without quotes, for GitLab's artifacts:reports:dotenv.
	// GitLab takes 20 variables and 5 KiB, so there are no numbered variables and no
	// error's text. A value that a shell would obey is left empty, in case that one
	// reads the file.
	Dotenv Format = "dotenv"
	// GitHub is what $GITHUB_OUTPUT and $GITHUB_ENV take.
	GitHub Format = "github"
)

// Formats returns the names of all formats.
func Formats() []string { return []string{string(JSON), string(Shell), string(Dotenv), string(GitHub)} }

// FormatOf returns the format of a file by its name, "" when that says nothing.
func FormatOf(name string) Format {
	switch strings.ToLower(path.Ext(strings.ReplaceAll(name, `\`, "/"))) {
	case ".json":
		return JSON
	case ".sh", ".bash":
		return Shell
	case ".env":
		return Dotenv
	}
	return ""
}

// Appends reports whether the file of a format has lines of others, and is added to.
func (f Format) Appends() bool { return f == GitHub }

// Encode returns the result as a file of one of the formats of variables.
func (r Result) Encode(f Format) ([]byte, error) {
	switch f {
	case Shell:
		return encodeShell(r.Variables()), nil
	case Dotenv:
		return encodeDotenv(r.Variables()), nil
	case GitHub:
		return encodeGitHub(r.Variables()), nil
	}
	return nil, fmt.Errorf("%q is not a format of variables", f)
}

func encodeShell(all []Variable) []byte {
	var b bytes.Buffer
	for _, one := range all {
		fmt.Fprintf(&b, "export %s=%s\n", one.Name, quote(one.Value))
	}
	return b.Bytes()
}

// quote quotes a value for a POSIX shell. Between single quotes only the quote itself
// has a meaning.
func quote(value string) string { return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'" }

// What GitLab takes by default.
// https://docs.gitlab.com/administration/instance_limits/#limit-dotenv-variables
const (
	dotenvVariables = 20
	dotenvSize      = 5 << 10 // bytes
)

func encodeDotenv(all []Variable) []byte {
	all = slices.DeleteFunc(slices.Clone(all), func(one Variable) bool { return one.Name == Prefix+"ERROR" })
	all = all[:min(dotenvVariables, len(all))]
	for len(all) > 0 && all[len(all)-1].isNumbered() {
		all = all[:len(all)-1]
	}
	var b bytes.Buffer
	for _, one := range all {
		value := one.Value
		if strings.ContainsFunc(value, isObeyed) || b.Len()+len(one.Name)+len(value)+len("=\n") > dotenvSize-dotenvReserve {
			value = ""
		}
		fmt.Fprintf(&b, "%s=%s\n", one.Name, value)
	}
	return b.Bytes()
}

// dotenvReserve is room for the names of all variables, so that a list that is too
// long is left empty instead of the variables behind it.
const dotenvReserve = 1 << 10

// isNumbered reports whether a variable is that of one image of several.
func (v Variable) isNumbered() bool {
	return slices.IndexFunc((Result{}).Variables(), func(known Variable) bool { return known.Name == v.Name }) < 0
}

// isObeyed reports whether c can mean more to a shell than itself, anywhere in an
// unquoted word.
func isObeyed(c rune) bool {
	isWord := c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
	return !isWord && !strings.ContainsRune("-.,:/@%+=", c)
}

// encodeGitHub writes NAME<<END, the value, END. END is a line that is in no value, so
// no value can end itself and begin another variable.
func encodeGitHub(all []Variable) []byte {
	end := "TAGBUMP_END"
	for slices.ContainsFunc(all, func(one Variable) bool { return strings.Contains(one.Value, end) }) {
		end += "_"
	}
	var b bytes.Buffer
	for _, one := range all {
		fmt.Fprintf(&b, "%s<<%s\n%s\n%s\n", one.Name, end, one.Value, end)
	}
	return b.Bytes()
}

// IsOurs reports whether content can be what an earlier run wrote in that format, so
// that it may be overwritten. An empty file is nobody's.
func IsOurs(f Format, content []byte) bool {
	content = bytes.TrimSpace(content)
	if len(content) == 0 {
		return true
	}
	first := Prefix + "STATE="
	switch f {
	case JSON:
		return content[0] == '{' && bytes.Contains(content, []byte(`"schema"`))
	case Shell:
		return bytes.HasPrefix(content, []byte("export "+first))
	case Dotenv:
		return bytes.HasPrefix(content, []byte(first))
	}
	return f.Appends()
}
