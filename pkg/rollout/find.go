package rollout

import (
	"path"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/giturl"
)

// A Use says what an application has to do with the files that a commit changed.
type Use int

// The uses, the closest last.
const (
	NoUse    Use = iota
	Follows      // it follows the repository's branch, and none of the files is in its folders
	Includes     // a changed file is one that it renders
)

// UseOf returns the closest use that an application has of the files of a push to
// branch. A file that a Helm source's folder has beside its chart counts only when
// the application names it: charts have the values of all environments in one folder.
func UseOf(app Application, repository, branch string, files []string) Use {
	use := NoUse
	sources := app.Spec.AllSources()
	for _, source := range sources {
		if !giturl.SameRepository(source.RepoURL, repository) || !source.Follows(branch) {
			continue
		}
		use = max(use, Follows)
		isHelm := source.Helm != nil || app.Status.SourceType == "Helm" && len(sources) == 1
		if slices.ContainsFunc(files, func(file string) bool { return source.has(file, isHelm) || isValueFile(file, source, sources) }) {
			return Includes
		}
	}
	return use
}

// has reports whether a source renders a file of its folder.
func (s Source) has(file string, isHelm bool) bool {
	inside, ok := below(s.Path, file)
	switch {
	case s.Path == "" || !ok:
		return false
	case !isHelm:
		return true
	}
	first, _, nested := strings.Cut(inside, "/")
	if nested && slices.Contains([]string{"templates", "charts", "crds"}, first) {
		return true
	}
	return slices.Contains([]string{"values.yaml", "values.yml", "Chart.yaml", "values.schema.json"}, inside)
}

// below returns the way from a folder down to a file.
func below(folder, file string) (inside string, ok bool) {
	if folder = path.Clean(folder); folder == "." {
		return file, true
	}
	return strings.CutPrefix(file, folder+"/")
}

// isValueFile reports whether a Helm source names a file: beside its chart, or by
// $REF/… in the source that has this Ref.
func isValueFile(file string, in Source, sources []Source) bool {
	for _, source := range sources {
		if source.Helm == nil {
			continue
		}
		names := slices.Clone(source.Helm.ValueFiles)
		for _, parameter := range source.Helm.FileParameters {
			names = append(names, parameter.Path)
		}
		for _, name := range names {
			if referenced, found := strings.CutPrefix(name, "$"); found {
				ref, rest, _ := strings.Cut(referenced, "/")
				if ref == in.Ref && ref != "" && matches(rest, file) {
					return true
				}
				continue
			}
			named := path.Join(source.Path, name)
			if strings.HasPrefix(name, "/") {
				named = strings.TrimPrefix(name, "/") // from the root of the repository
			}
			if source.same(in) && matches(named, file) {
				return true
			}
		}
	}
	return false
}

// matches compares a file with a name that may have wildcards.
func matches(pattern, file string) bool {
	pattern = path.Clean(pattern)
	found, err := path.Match(pattern, file)
	return pattern == file || err == nil && found
}

// Children returns the names of the applications that an application makes itself, and
// of the ApplicationSets that make others.
func Children(app Application) (applications []Resource, sets []string) {
	for _, resource := range app.Status.Resources {
		switch {
		case resource.Group != "argoproj.io":
		case resource.Kind == "Application":
			applications = append(applications, resource)
		case resource.Kind == "ApplicationSet":
			sets = append(sets, resource.Name)
		}
	}
	return applications, sets
}

// MadeBy reports whether one of the named ApplicationSets made the application.
func (app Application) MadeBy(sets []string) bool {
	return slices.ContainsFunc(app.Metadata.OwnerReferences, func(owner Owner) bool {
		return owner.Kind == "ApplicationSet" && slices.Contains(sets, owner.Name)
	})
}

// HasRepository reports whether a source of the application is the repository.
func HasRepository(app Application, repository string) bool {
	return slices.ContainsFunc(app.Spec.AllSources(), func(s Source) bool { return giturl.SameRepository(s.RepoURL, repository) })
}

// ImagesIn returns the image references in rendered manifests: every text under a key
// that ends with "image".
func ImagesIn(manifests []any) []string {
	var all []string
	for _, manifest := range manifests {
		all = append(all, imagesIn(manifest)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func imagesIn(value any) []string {
	var all []string
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			all = append(all, imagesIn(item)...)
		}
	case map[string]any:
		for key, item := range v {
			if text, isText := item.(string); isText && strings.HasSuffix(strings.ToLower(key), "image") {
				all = append(all, text)
			}
			all = append(all, imagesIn(item)...)
		}
	}
	return all
}
