package plan

import (
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// Values that look like images, and images that nothing deploys.

// sourceWords are words of keys that hold code, a chart or a filter.
var sourceWords = []string{
	"git", "github", "gitlab", "gitea", "gitops", "bitbucket", "source", "sources", "src", "scm", "vcs", "chart", "charts", "dependency", "dependencies", "ref", "submodule", "submodules", "checkout", "helm", "module", "modules", "plugin", "plugins", "package", "packages",
	"download", "downloads", "artifact", "artifacts", "upstream", "code", "clone", "terraform", "ansible", "role", "roles", "collection", "collections", "addon", "addons", "theme", "themes", "sourceref", "release", "releases",
}

// isSource reports whether the mapping names sources, a chart or a filter, which
// also have a repository or a name, and a tag.
func (m mapping) isSource(i int) bool {
	if m.isOfImage() {
		return false
	}
	if m.has(i, "branch", "ref", "commit", "revision", "rev", "targetrevision", "url", "repourl", "giturl", "match", "chart", "chartversion", "path", "gitref", "directory", "subdirectory", "dir", "sparse", "depth", "deploykey", "sshkey", "submodules") {
		return true
	}
	if kind := m.value(i, "type", "kind", "provider", "backend"); kind != nil && slices.Contains(sourceWords, strings.ToLower(kind.Value())) {
		return true
	}
	for n, key := range m.keys {
		words := wordsOf(key)
		if len(words) == 0 {
			continue
		}
		if last := words[len(words)-1]; slices.Contains(sourceWords, last) && (n == 0 || strings.HasPrefix(last, "git")) {
			return true
		}
	}
	return false
}

// isAddress reports whether the text is the address of sources or of a chart.
func isAddress(text string) bool {
	return strings.Contains(text, "://") || strings.HasPrefix(text, "git@") || strings.HasSuffix(text, ".git") || strings.HasPrefix(text, "@")
}

// idleKinds are kinds of objects that name images and deploy none.
var idleKinds = map[string]bool{
	"ImageRepository": true, "ImagePolicy": true, "ImageUpdateAutomation": true, "ImageUpdater": true, // Flux, Argo CD
	"GitRepository": true, "OCIRepository": true, "HelmRepository": true, "HelmChart": true, "Bucket": true,
	"ClusterPolicy": true, "Policy": true, "ValidatingPolicy": true, "ImageValidatingPolicy": true, "ClusterImagePolicy": true, "ConstraintTemplate": true,
	"Warehouse": true, "Stage": true, "Promotion": true, "PromotionTask": true, "Freight": true, // Kargo
	"ImageContentSourcePolicy": true, "ImageDigestMirrorSet": true, "ImageTagMirrorSet": true,
	"CustomResourceDefinition": true,
}

// ruleWords are words of keys whose images are compared with others and not
// deployed: allowedImages, ignore. In other company they mean something else.
var (
	ruleWords  = []string{"allow", "allowed", "allowlist", "whitelist", "deny", "denied", "denylist", "blacklist", "blocked", "blocklist", "ignore", "ignored", "ignores", "exclude", "excluded", "excludes", "exclusions", "skip", "forbidden", "trusted", "exempt", "exempted", "exemptions", "match", "matches"}
	ruleThings = []string{"image", "images", "list", "repositories", "registries", "references", "containers", "names"}
)

// ruleOf is the key of a list of rules, or the flag that says where a build's result
// goes, that the value belongs to; or "".
func (s spot) ruleOf() string {
	if hasWord(s.prefix, "destination", "dest", "push", "output", "cache") && !hasWord(s.prefix, "image") {
		return strings.TrimSuffix(s.prefix, "=")
	}
	for _, key := range keysTo(s.value) {
		if hasWord(key, ruleWords...) && (len(wordsOf(key)) == 1 || hasWord(key, ruleThings...)) {
			return key
		}
	}
	return ""
}

// workloadKinds are kinds of objects in which an image without a tag runs.
var workloadKinds = map[string]bool{
	"Pod": true, "PodTemplate": true, "Deployment": true, "StatefulSet": true, "DaemonSet": true, "ReplicaSet": true, "ReplicationController": true,
	"Job": true, "CronJob": true, "Rollout": true, "DeploymentConfig": true, "CloneSet": true, "Service": true,
	"Workflow": true, "CronWorkflow": true, "WorkflowTemplate": true, "ClusterWorkflowTemplate": true,
	"Task": true, "ClusterTask": true, "TaskRun": true, "Pipeline": true, "PipelineRun": true,
}

// object returns the innermost Kubernetes object that holds n, and its kind; nil
// and "" in a file that is none, such as a chart's values.
func object(n *yamledit.Node) (*yamledit.Node, string) {
	for n = n.Parent(); n != nil; n = n.Parent() {
		if kind := n.Field("kind"); kind != nil && kind.Value() != "" && (n.Field("apiVersion") != nil || n.Field("spec") != nil || n.Field("metadata") != nil || n.Parent() == nil) {
			return n, kind.Value()
		}
	}
	return nil, ""
}

// isIdle reports whether objects of that kind name images and deploy none.
func isIdle(obj *yamledit.Node, kind string) bool {
	if obj == nil {
		return false
	}
	version := ""
	if n := obj.Field("apiVersion"); n != nil {
		version = n.Value()
	}
	return idleKinds[kind] || strings.HasPrefix(version, "skaffold/") || strings.HasPrefix(version, "constraints.gatekeeper.sh/") || strings.HasPrefix(version, "kargo.")
}

// reasonToLeave says why the spot, which names the wanted image, is not a place
// to change, or "".
func (s spot) reasonToLeave() string {
	obj, kind := object(s.value)
	switch {
	case s.isPattern():
		return "is a pattern, not a tag"
	case isIdle(obj, kind):
		return "belongs to " + withArticle(kind) + ", which deploys nothing"
	case s.ruleOf() != "":
		return "belongs to " + s.ruleOf() + ", which deploys nothing"
	case s.ref.Tag != "" || s.ref.Digest != "":
		return ""
	case kind == "" && s.isUnwritten() && !s.isOverride && s.sourceKey() != "":
		return "has no tag, and belongs to " + s.sourceKey() + ", which may not deploy it"
	case s.rival != nil && s.isUnwritten():
		return "has no tag, and " + s.rival.Key() + " beside it (line " + itoa(s.rival.Line()) + ") may be one: give that with --path"
	case s.isUnwritten() && !s.mayFill(kind):
		return "has no tag, and " + withArticle(kind) + " may not deploy it"
	}
	if outer := s.outerTag(); outer != nil {
		return "has no tag, and " + outer.Path().String() + " (line " + itoa(outer.Line()) + ") may be used instead: give that with --path"
	}
	return ""
}

func withArticle(kind string) string {
	if strings.ContainsAny(kind[:1], "AEIOU") {
		return "an " + kind
	}
	return "a " + kind
}

// isUnwritten reports whether the place has no key for the tag.
func (s spot) isUnwritten() bool { return s.fill != "" || s.form == FormReference && s.ref.Tag == "" }

// mayFill reports whether a missing tag may be put in: where something deploys the
// image, by the object's kind and the place in it.
func (s spot) mayFill(kind string) bool {
	if kind == "" || workloadKinds[kind] || s.fill == "newTag" || s.isOverride {
		return true
	}
	for n := s.value; n != nil; n = n.Parent() {
		switch key := n.Key(); key {
		case "containers", "initContainers", "ephemeralContainers", "values", "valuesObject", "valuesInline", "valuesContent":
			return true
		}
	}
	return false
}

// sourceKey is a key that leads to the value and holds sources or policies, or "".
func (s spot) sourceKey() string {
	for _, key := range keysTo(s.value) {
		if hasWord(key, "source", "sources", "subscription", "subscriptions", "policy", "policies", "rule", "rules", "artifacts", "artifact", "build", "builds", "targets", "conditions") {
			return key
		}
	}
	return ""
}

// outerTag is a tag at an outer level of the same values, which charts use where an
// image has none of its own: global.imageTag, imageTag; or nil.
func (s spot) outerTag() *yamledit.Node {
	if s.form == FormReference || s.fill == "newTag" || s.value.Key() == "newTag" {
		return nil
	}
	inner := s.value.Parent()
	for n := inner; n != nil; n = n.Parent() {
		if n != inner {
			if tag := tagIn(n); tag != nil {
				return tag
			}
			if tag := tagUnder(n.Field("image"), inner); tag != nil && n.Field("image").Field("repository") == nil {
				return tag
			}
		}
		for _, key := range []string{"global", "defaults", "default", "common", "shared"} {
			common := n.Field(key)
			if tag := tagUnder(common, inner); tag != nil {
				return tag
			}
			if common != nil && common.IsMapping() {
				if tag := tagUnder(common.Field("image"), inner); tag != nil {
					return tag
				}
			}
		}
	}
	return nil
}

// tagUnder is a set tag of the mapping n, unless that is the image's own; or nil.
func tagUnder(n, own *yamledit.Node) *yamledit.Node {
	if n == nil || !n.IsMapping() || own != nil && n.Is(own) {
		return nil
	}
	return tagIn(n)
}

// tagIn is the first set tag for all images that the mapping has, or nil.
func tagIn(n *yamledit.Node) *yamledit.Node {
	var first *yamledit.Node
	for _, key := range []string{"tag", "imagetag", "globaltag", "globalimagetag", "defaulttag", "defaultimagetag", "imageversion"} {
		for _, value := range n.Alike(key) {
			isSet := !value.IsMapping() && !value.IsList() && image.CheckTag(value.Value()) == nil
			if isSet && (first == nil || value.Line() < first.Line()) {
				first = value
			}
		}
	}
	return first
}

// globalRegistry is the registry that charts put in front of each repository of
// the values that hold n, instead of what is written beside it; or nil.
func globalRegistry(n *yamledit.Node) *yamledit.Node {
	root := n
	for root.Parent() != nil {
		root = root.Parent()
	}
	global := root.Field("global")
	if global == nil {
		return nil
	}
	for _, keys := range [][]string{{"imageRegistry"}, {"image", "registry"}, {"registry"}, {"dockerRegistry"}} {
		found := global
		for _, key := range keys {
			if found != nil {
				found = found.Field(key)
			}
		}
		if found != nil && !found.IsMapping() && !found.IsList() && found.Value() != "" {
			return found
		}
	}
	return nil
}
