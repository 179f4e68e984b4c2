package draft

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
	"github.com/tagbump/tagbump/pkg/policy"
	"github.com/tagbump/tagbump/pkg/safetext"
)

// A Project is the content of the file.
type Project struct {
	Repository   string // "" is the folder of the file
	Images       []Image
	Others       []Image // of other people: they become comments
	Environments []Environment
	Offline      bool // the registry was not asked
}

// An Image is an image that the repository's files name.
type Image struct {
	Repository string
	Rule       policy.Rule // the zero Rule: none could be suggested
	Why        string      // the rule is suggested, in words
	Picks      string      // the tag that the rule picks now
	Failure    string      // why the registry gave no tags
	Places     []Place
	Also       []Image // the image in registries of other environments, see Joined
}

// A Place is where an image is deployed.
type Place struct {
	Environment string // "" is files that all environments share
	File        string
	Line        int
	Tag         string
}

// shownPlaces is how many places of an image the comment lists.
const shownPlaces = 4

// Text returns the project file.
func (p Project) Text() string {
	var b strings.Builder
	comment(&b, "", "What tagbump may do in this repository. `tagbump help environments` explains it.")
	comment(&b, "", "After each change: tagbump config check")
	if p.Repository != "" {
		fmt.Fprintf(&b, "repository: %s\n", quoted(p.Repository))
	}
	if p.Offline {
		comment(&b, "", "The registry was not asked, so how tags are chosen is a guess from those in the files.")
	}
	if len(p.Images) > 0 {
		b.WriteString("\nimages:\n")
	}
	for _, img := range p.Images {
		img.write(&b, p.Environments)
	}
	p.writeOthers(&b)
	if len(p.Environments) == 0 {
		b.WriteByte('\n')
		comment(&b, "", "No environments were recognised: a command looks into all files. To name some:")
		comment(&b, "", "environments:")
		comment(&b, "", "  production:")
		comment(&b, "", "    files: ['production/**']")
		return b.String()
	}
	b.WriteString("\nenvironments:\n")
	for _, environment := range p.Environments {
		environment.write(&b)
	}
	return b.String()
}

func (img Image) write(b *strings.Builder, environments []Environment) {
	places := img.Places
	for _, other := range img.Also {
		places = append(slices.Clip(places), other.Places...)
	}
	for i, place := range places {
		if i == shownPlaces {
			comment(b, "  ", "and in %d more places", len(places)-i)
			break
		}
		environment := place.Environment
		if environment == "" {
			environment = Shared
		}
		if len(environments) == 0 {
			environment = "the repository"
		}
		comment(b, "  ", "%s has %s (%s:%d)", environment, place.Tag, place.File, place.Line)
	}
	switch {
	case img.Failure != "":
		comment(b, "  ", "The registry did not list its tags: %s", img.Failure)
	case img.Picks != "":
		comment(b, "  ", "picks %s now: %s", img.Picks, img.Why)
	case img.Why != "":
		comment(b, "  ", "%s", img.Why)
	}
	if img.Rule == (policy.Rule{}) {
		comment(b, "  ", "How its tags are chosen is not known. Until it is: tagbump update IMAGE:TAG")
	}
	as := img.as(environments)
	if img.Rule == (policy.Rule{}) && len(as) == 0 {
		fmt.Fprintf(b, "  %s: {}\n", quoted(img.Repository))
		return
	}
	fmt.Fprintf(b, "  %s:\n", quoted(img.Repository))
	for _, field := range []struct{ name, value string }{
		{policy.FieldSemver, img.Rule.Semver},
		{policy.FieldMatch, img.Rule.Match},
		{policy.FieldExtract, img.Rule.Extract},
		{policy.FieldOrder, img.Rule.Order},
	} {
		if field.value != "" {
			fmt.Fprintf(b, "    %s: %s\n", field.name, quoted(field.value))
		}
	}
	for _, line := range as {
		fmt.Fprintf(b, "    %s\n", line)
	}
}

func (p Project) writeOthers(b *strings.Builder) {
	if len(p.Others) == 0 {
		return
	}
	comment(b, "  ", "Images of others, which stay as they are unless they are listed:")
	for _, img := range p.Others {
		tag := ""
		if len(img.Places) > 0 {
			tag = " " + img.Places[0].Tag
		}
		comment(b, "  ", "  %s%s", img.Repository, tag)
	}
}

func (e Environment) write(b *strings.Builder) {
	fmt.Fprintf(b, "  %s:\n", quoted(e.Name))
	if e.Branch != "" {
		fmt.Fprintf(b, "    branch: %s\n", quoted(e.Branch))
	}
	if e.Name == Shared {
		comment(b, "    ", "Files that belong to no environment: a change here may reach all of them.")
	}
	b.WriteString("    files:\n")
	for _, glob := range e.Files {
		fmt.Fprintf(b, "      - %s\n", quoted(glob))
	}
	if e.From != "" {
		fmt.Fprintf(b, "    from: %s  # tagbump promote --to %s\n", quoted(e.From), e.Name)
		comment(b, "    ", "publish: pull-request proposes changes instead of pushing them")
	}
}

// comment writes a line of a comment. Texts from outside cannot end it.
func comment(b *strings.Builder, indent, format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	text := strings.TrimLeft(line, " ")
	fmt.Fprintf(b, "%s# %s%s\n", indent, line[:len(line)-len(text)], safetext.Line(text))
}

// plainPattern is text that YAML reads as itself: no number, and no sign of its own.
var plainPattern = lazyregexp.New(`^[A-Za-z](?:[A-Za-z0-9_./:$*-]*[A-Za-z0-9_./$*-])?$`)

// reservedWords are read as something else than text.
var reservedWords = map[string]bool{
	"true": true, "false": true, "yes": true, "no": true, "on": true, "off": true, "null": true, "y": true, "n": true,
}

// quoted writes a YAML scalar, with quotes where it needs some.
func quoted(text string) string {
	if plainPattern.MatchString(text) && !reservedWords[strings.ToLower(text)] {
		return text
	}
	return "'" + strings.ReplaceAll(safetext.Line(text), "'", "''") + "'"
}
